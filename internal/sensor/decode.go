//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A decoder turns records into events, in place: what it returns points into the record.
type decoder struct {
	clock  clock
	event  event.Event
	cgroup event.Cgroup
}

const (
	headSize    = int(unsafe.Sizeof(bpfHead{}))
	classCgroup = event.KernelClasses // CLASS_CGROUP in bpf/event.h
)

// as views the front of a record as its fixed part, and returns what follows it.
func as[T any](raw []byte) (*T, []byte, error) {
	size := int(unsafe.Sizeof(*new(T)))
	if len(raw) < size {
		return nil, nil, fmt.Errorf("record of %d bytes instead of at least %d", len(raw), size)
	}
	return (*T)(unsafe.Pointer(&raw[0])), raw[size:], nil
}

// cut takes the next n bytes of a record's strings.
func cut(rest []byte, n uint32) (text, after []byte, err error) {
	if uint64(n) > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("string of %d bytes where %d are left", n, len(rest))
	}
	return rest[:n:n], rest[n:], nil
}

// timeOf and classOf read what every record has at the same place.
func timeOf(raw []byte) uint64 {
	if len(raw) < 8 {
		return 0
	}
	return *(*uint64)(unsafe.Pointer(&raw[0]))
}

func classOf(raw []byte) (event.Class, error) {
	const at = unsafe.Offsetof(bpfHead{}.Class)
	if len(raw) < int(at)+2 {
		return 0, fmt.Errorf("record of %d bytes is too short", len(raw))
	}
	class := event.Class(*(*uint16)(unsafe.Pointer(&raw[at])))
	if class > classCgroup {
		return 0, fmt.Errorf("record of unknown class %d", class)
	}
	return class, nil
}

// decode fills d.event from a record of one of the classes of events.
func (d *decoder) decode(class event.Class, raw []byte) error {
	h, _, err := as[bpfHead](raw)
	if err != nil {
		return err
	}
	e := &d.event
	e.Class = class
	e.Time = d.clock.wall(h.Time)
	e.Seq, e.CPU, e.Weight, e.Errno = h.Seq, h.Cpu, max(h.Weight, 1), uint32(h.Error)
	d.actor(&h.Who)
	return decoders[class](e, raw)
}

func (d *decoder) actor(w *bpfWho) {
	d.event.Actor = actor(w)
}

func actor(w *bpfWho) event.Actor {
	return event.Actor{
		PID: w.Tgid, TID: w.Tid, VPID: w.Vpid, Start: w.Start, Execs: w.Execs, Image: w.Image,
		ParentPID: w.ParentTgid, ParentStart: w.ParentStart, ParentExecs: w.ParentExecs, ParentImage: w.ParentImage,
		Cgroup: w.Cgroup, Hierarchy: w.Hierarchy, CWD: w.Cwd ^ w.CwdMount<<1,
		UID: w.Uid, EUID: w.Euid, GID: w.Gid, EGID: w.Egid,
		Type: min(event.ProcessType(w.Type), event.Suspicious), Comm: w.Comm,
	}
}

var decoders = [event.KernelClasses]func(*event.Event, []byte) error{
	event.Exec:      decodeExec,
	event.Exit:      decodeExit,
	event.FileOpen:  decodeFile,
	event.Connect:   decodeSocket,
	event.Accept:    decodeSocket,
	event.Close:     decodeSocket,
	event.UDPSend:   decodeSocket,
	event.Privilege: decodePrivilege,
	event.Module:    decodeModule,
	event.BPF:       decodeBPF,
	event.Ptrace:    decodePtrace,
	event.Namespace: decodeNamespace,
	event.Mount:     decodeMount,
}

func decodeExec(e *event.Event, raw []byte) error {
	r, rest, err := as[bpfExecRecord](raw)
	if err != nil {
		return err
	}
	x := &e.Exec
	x.Flags, x.Session, x.TTY, x.ArgsTotal = event.ExecFlags(r.Flags), r.Session, r.Tty, r.ArgsTotal
	if x.Path, rest, err = cut(rest, r.ExeLen); err != nil {
		return err
	}
	if x.CWD, rest, err = cut(rest, r.CwdLen); err != nil {
		return err
	}
	x.Args, _, err = cut(rest, r.ArgsLen)
	return err
}

func decodeExit(e *event.Event, raw []byte) error {
	r, _, err := as[bpfExitRecord](raw)
	if err == nil {
		e.Exit = event.ExitEvent{Code: r.Code, Signal: r.Signal & 0x7f, Core: r.Signal&0x80 != 0}
	}
	return err
}

func decodeFile(e *event.Event, raw []byte) error {
	r, rest, err := as[bpfFileRecord](raw)
	if err != nil {
		return err
	}
	e.File = event.FileEvent{
		Inode: r.Inode, Dev: r.Dev, Flags: r.Flags,
		Severity:  min(event.Severity(r.Severity), event.Critical),
		Operation: min(event.Operation(r.Operation), event.Write),
	}
	e.File.Path, _, err = cut(rest, r.PathLen)
	return err
}

func decodeSocket(e *event.Event, raw []byte) error {
	r, _, err := as[bpfSocketRecord](raw)
	if err == nil {
		e.Socket = event.SocketEvent{
			Local:     netip.AddrPortFrom(netip.AddrFrom16(r.Local).Unmap(), r.LocalPort),
			Peer:      netip.AddrPortFrom(netip.AddrFrom16(r.Peer).Unmap(), r.PeerPort),
			Protocol:  min(event.Protocol(r.Protocol), event.UDP),
			Direction: min(event.Direction(r.Direction), event.Out),
		}
	}
	return err
}

func ids(r *bpfIds) event.IDs {
	return event.IDs{
		Effective: r.Effective, Permitted: r.Permitted,
		UID: r.Uid, EUID: r.Euid, SUID: r.Suid, FSUID: r.Fsuid,
		GID: r.Gid, EGID: r.Egid, SGID: r.Sgid, FSGID: r.Fsgid,
	}
}

func decodePrivilege(e *event.Event, raw []byte) error {
	r, _, err := as[bpfPrivilegeRecord](raw)
	if err == nil {
		e.Privilege = event.PrivilegeEvent{
			Old: ids(&r.Old), New: ids(&r.New),
			Family: min(event.Escalation(r.Family), event.Capset), Gained: r.Gained != 0,
		}
	}
	return err
}

func decodeModule(e *event.Event, raw []byte) error {
	r, rest, err := as[bpfModuleRecord](raw)
	if err != nil {
		return err
	}
	e.Module = event.ModuleEvent{Name: text(r.Name[:]), Action: min(event.ModuleAction(r.Action), event.Unload)}
	e.Module.Path, _, err = cut(rest, r.PathLen)
	return err
}

func decodeBPF(e *event.Event, raw []byte) error {
	r, _, err := as[bpfBpfRecord](raw)
	if err == nil {
		e.BPF = event.BPFEvent{Name: text(r.Name[:]), Type: r.Type, ID: r.Id}
	}
	return err
}

func decodePtrace(e *event.Event, raw []byte) error {
	r, _, err := as[bpfPtraceRecord](raw)
	if err == nil {
		e.Ptrace = event.PtraceEvent{Request: r.Request, Target: r.Target}
	}
	return err
}

func decodeNamespace(e *event.Event, raw []byte) error {
	r, _, err := as[bpfNamespaceRecord](raw)
	if err == nil {
		e.Namespace = event.NamespaceEvent{Flags: r.Flags, Call: min(event.NamespaceCall(r.Call), event.Clone)}
	}
	return err
}

func decodeMount(e *event.Event, raw []byte) error {
	r, rest, err := as[bpfMountRecord](raw)
	if err != nil {
		return err
	}
	m := &e.Mount
	m.Flags = r.Flags
	if m.Device, rest, err = cut(rest, r.DeviceLen); err != nil {
		return err
	}
	if m.Type, rest, err = cut(rest, r.TypeLen); err != nil {
		return err
	}
	m.Target, _, err = cut(rest, r.TargetLen)
	return err
}

// decodeCgroup fills d.cgroup.
func (d *decoder) decodeCgroup(raw []byte) error {
	r, rest, err := as[bpfCgroupRecord](raw)
	if err != nil {
		return err
	}
	names, _, err := cut(rest, r.NamesLen)
	if err != nil {
		return err
	}
	d.cgroup = event.Cgroup{ID: r.Id, Hierarchy: r.Hierarchy, Path: cgroupPath(names)}
	return nil
}

// cgroupPath turns the names of a cgroup and of those above it, each with a NUL, into a path.
func cgroupPath(names []byte) string {
	path := make([]byte, 0, len(names)+1)
	for end := len(names); end > 0; {
		start := end - 1 // of the name's NUL
		for start > 0 && names[start-1] != 0 {
			start--
		}
		path = append(append(path, '/'), text(names[start:end])...)
		end = start
	}
	if len(path) == 0 {
		return "/"
	}
	return string(path)
}

// text is what comes before the first NUL.
func text(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
