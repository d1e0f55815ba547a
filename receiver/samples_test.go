package receiver

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

var (
	sampleTime = time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	sampleNow  = sampleTime.Add(3 * time.Millisecond)
)

// sampleProcess is bash, that sshd began for alice.
func sampleProcess() *process.Process {
	sshd := &process.Image{ExecID: strings.Repeat("5", 32), PID: 7, Path: "/usr/sbin/sshd", Name: "sshd"}
	systemd := &process.Image{ExecID: strings.Repeat("1", 32), PID: 1, Path: "/usr/lib/systemd/systemd", Name: "systemd"}
	return &process.Process{
		ExecID: strings.Repeat("b", 32), ParentExecID: strings.Repeat("5", 32),
		Image: &process.Image{
			ExecID: strings.Repeat("b", 32), PID: 42, Path: "/usr/bin/bash", Name: "bash",
			Args: []string{"bash", "-l"}, CommandLine: "bash -l", CWD: "/home/alice",
		},
		Parent: sshd, Ancestors: []*process.Image{sshd, systemd},
		User: "alice", RealUser: "alice", Group: "alice", RealGroup: "alice",
		Cgroup:  "/user.slice/user-1000.slice/session-3.scope",
		Created: sampleTime.Add(-time.Minute), CWD: "/home/alice",
	}
}

func containerProcess() *process.Process {
	p := sampleProcess()
	p.User, p.RealUser, p.Group, p.RealGroup = "", "", "", ""
	p.Cgroup = "/kubepods.slice/kubepods-pod2b0b_.slice/cri-containerd-" + strings.Repeat("c0ffee00", 8) + ".scope"
	p.ContainerID, p.PodUID = strings.Repeat("c0ffee00", 8), "2b0b1f3e-0000-4000-8000-1234567890ab"
	return p
}

func anEvent(class event.Class, change func(*event.Event)) *event.Event {
	e := &event.Event{
		Class: class, Time: sampleTime.UnixNano(), Weight: 1,
		Actor: event.Actor{
			PID: 42, TID: 42, VPID: 42, ParentPID: 7, UID: 1000, EUID: 1000, GID: 1000, EGID: 1000,
			Type: event.System, Comm: [16]byte{'b', 'a', 's', 'h'},
		},
	}
	if change != nil {
		change(e)
	}
	return e
}

func argv(args ...string) ([]byte, uint32) {
	raw := strings.Join(args, "\x00") + "\x00"
	return []byte(raw), uint32(len(raw))
}

func ran1(path string, args ...string) func(*event.Event) {
	return func(e *event.Event) {
		e.Exec = event.ExecEvent{Path: []byte(path), CWD: []byte("/home/alice"), Session: 40, TTY: 34816}
		e.Exec.Args, e.Exec.ArgsTotal = argv(args...)
	}
}

func socket(protocol event.Protocol, direction event.Direction, local, peer string) func(*event.Event) {
	return func(e *event.Event) {
		e.Socket = event.SocketEvent{
			Local: netip.MustParseAddrPort(local), Peer: netip.MustParseAddrPort(peer),
			Protocol: protocol, Direction: direction,
		}
	}
}

func with(changes ...func(*event.Event)) func(*event.Event) {
	return func(e *event.Event) {
		for _, change := range changes {
			change(e)
		}
	}
}

func failed(errno uint32) func(*event.Event) { return func(e *event.Event) { e.Errno = errno } }

func user(id uint32) event.IDs {
	return event.IDs{UID: id, EUID: id, SUID: id, FSUID: id, GID: id, EGID: id, SGID: id, FSGID: id}
}

// samples are events of all classes, by the name of their golden file.
func samples() map[string]*event.Event {
	const sysAdmin, netAdmin = 1 << 21, 1 << 12
	return map[string]*event.Event{
		"exec":        anEvent(event.Exec, ran1("/usr/bin/cat", "cat", "/etc/shadow", "a b")),
		"exec_failed": anEvent(event.Exec, with(ran1("./missing", "missing", "-x"), failed(2))),
		"exec_suspicious": anEvent(event.Exec, with(ran1("memfd:x", "x"), func(e *event.Event) {
			e.Actor.Type = event.Suspicious
			e.Exec.Flags = event.ExecMemfd | event.ExecDeleted
			e.Exec.ArgsTotal += 100
			e.Exec.TTY, e.Exec.Session = 0, 0
		})),
		"exit":        anEvent(event.Exit, func(e *event.Event) { e.Exit.Code = 3 }),
		"exit_signal": anEvent(event.Exit, func(e *event.Event) { e.Exit = event.ExitEvent{Signal: 11, Core: true} }),
		"file_open": anEvent(event.FileOpen, func(e *event.Event) {
			e.File = event.FileEvent{
				Path: []byte("/etc/passwd"), Inode: 1234, Dev: 8 << 20, Flags: 0o2000000 | 0o100000 | 2,
				Severity: event.Critical, Operation: event.Write,
			}
			e.Weight = 8
			e.Actor.TID, e.Actor.Comm = 43, [16]byte{'w', 'o', 'r', 'k', 'e', 'r'}
		}),
		"file_open_denied": anEvent(event.FileOpen, with(func(e *event.Event) {
			e.File = event.FileEvent{Path: []byte("/etc/hosts"), Severity: event.Warning}
		}, failed(13))),
		"connect":         anEvent(event.Connect, socket(event.TCP, event.Out, "10.0.0.5:50000", "192.0.2.1:443")),
		"connect_refused": anEvent(event.Connect, with(socket(event.TCP, event.Out, "[::1]:50000", "[::1]:22"), failed(111))),
		"accept":          anEvent(event.Accept, socket(event.TCP, event.In, "10.0.0.5:22", "192.0.2.9:50001")),
		"close":           anEvent(event.Close, socket(event.TCP, event.In, "10.0.0.5:22", "192.0.2.9:50001")),
		"udp_send":        anEvent(event.UDPSend, socket(event.UDP, event.Out, "0.0.0.0:53535", "192.0.2.53:53")),
		"privilege_gained": anEvent(event.Privilege, func(e *event.Event) {
			e.Privilege = event.PrivilegeEvent{Old: user(1000), New: user(0), Family: event.Setuid, Gained: true}
			e.Privilege.New.Effective, e.Privilege.New.Permitted = sysAdmin|1<<63, sysAdmin
		}),
		"privilege_dropped": anEvent(event.Privilege, func(e *event.Event) {
			e.Privilege = event.PrivilegeEvent{Old: user(0), New: user(0), Family: event.Capset}
			e.Privilege.Old.Effective = netAdmin
		}),
		"privilege_refused": anEvent(event.Privilege, with(func(e *event.Event) {
			e.Privilege = event.PrivilegeEvent{Old: user(1000), New: user(1000), Family: event.Setgid}
		}, failed(1))),
		"module_load": anEvent(event.Module, func(e *event.Event) {
			e.Module = event.ModuleEvent{Name: []byte("dummy"), Path: []byte("/lib/modules/dummy.ko"), Action: event.LoadFile}
		}),
		"module_unload": anEvent(event.Module, with(func(e *event.Event) {
			e.Module = event.ModuleEvent{Action: event.Unload}
		}, failed(11))),
		"bpf": anEvent(event.BPF, func(e *event.Event) {
			e.BPF = event.BPFEvent{Name: []byte("count"), Type: 2, ID: 77}
		}),
		"ptrace":  anEvent(event.Ptrace, func(e *event.Event) { e.Ptrace = event.PtraceEvent{Request: 0x4206, Target: 99} }),
		"traceme": anEvent(event.Ptrace, func(e *event.Event) { e.Actor.VPID = 2 }),
		"unshare": anEvent(event.Namespace, func(e *event.Event) { e.Namespace = event.NamespaceEvent{Flags: 0x60020000, Call: event.Unshare} }),
		"mount": anEvent(event.Mount, func(e *event.Event) {
			e.Mount = event.MountEvent{Device: []byte("tmpfs"), Type: []byte("tmpfs"), Target: []byte("/mnt/x"), Flags: 0xC0ED0000 | 1 | 8}
		}),
		"mount_refused": anEvent(event.Mount, failed(1)),
	}
}

// collected is a gatherer that keeps the batches it hands on.
func collected(limits Batch) (*gatherer, *[]*batch) {
	var full []*batch
	return &gatherer{
		limits: limits, full: func(b *batch) { full = append(full, b) },
		maker: resourceMaker{
			builder: metadata.NewResourceBuilder(metadata.NewDefaultMetricsBuilderConfig().ResourceAttributes),
			version: "1.2.3",
		},
	}, &full
}

// written is a batch with the records of the events.
func written(t testing.TB, p *process.Process, events ...*event.Event) *batch {
	t.Helper()
	g, full := collected(Batch{MaxRecords: Positive(len(events)), MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
	w := writer{maxArgs: maxArgs}
	for _, e := range events {
		g.end(sampleNow, e.Class, w.write(g.begin(sampleNow, resource{p.ContainerID, p.PodUID}), e, p, sampleNow))
	}
	if len(*full) != 1 {
		t.Fatalf("%d batches", len(*full))
	}
	return (*full)[0]
}
