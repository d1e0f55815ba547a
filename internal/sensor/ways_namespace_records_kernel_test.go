//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// forkIn is fork by clone3 with flags.
//
//go:norace
func forkIn(flags uint64, calls ...call) (int, error) {
	args := [11]uint64{0: flags, 4: uint64(unix.SIGCHLD)} // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal
	pid, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if pid == 0 && errno == 0 {
		become(calls)
	}
	runtime.KeepAlive(&args)
	return started(pid, errno)
}

// stay flags: a process in new namespaces that stays until the deed reap. Tells its pid.
var _ = can("stay", func(args []string) (string, error) {
	flags, err := strconv.ParseUint(args[0], 0, 64)
	if err != nil {
		return "", err
	}
	if stayed.pids == nil {
		if err := unix.Pipe(stayed.pipe[:]); err != nil {
			return "", err
		}
	}
	buf := []*byte{new(byte)}
	closePipe := call{nr: unix.SYS_CLOSE, args: [5]uintptr{uintptr(stayed.pipe[1])}}
	wait := call{unix.SYS_READ, [5]uintptr{uintptr(stayed.pipe[0]), uintptr(unsafe.Pointer(buf[0])), 1}, buf}
	pid, err := forkIn(flags, closePipe, wait)
	if err == nil {
		stayed.pids = append(stayed.pids, pid)
	}
	return strconv.Itoa(pid), err
})

// setns end file|"pidfd" pid types: a child goes where another process is.
var _ = can("setns", func(args []string) (string, error) {
	pid, err := strconv.Atoi(args[2])
	if err != nil {
		return "", err
	}
	var fd int
	if args[1] == "pidfd" {
		fd, err = unix.PidfdOpen(pid, 0)
	} else {
		fd, err = unix.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, args[1]), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return deeds["forkCalls"]([]string{"1", args[0], fmt.Sprintf("setns %d %s", fd, args[3])})
})

// trace pid: takes hold of a process in both ways.
var _ = can("trace", func(args []string) (string, error) {
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	do := func(text string) error {
		_, err := deeds["calls"]([]string{fmt.Sprintf(text, pid)})
		return err
	}
	stopped := func() error {
		_, err := unix.Wait4(pid, nil, unix.WALL, nil)
		return err
	}
	for _, step := range []func() error{
		func() error { return do("ptrace 16 %d 0 0") }, stopped, func() error { return do("ptrace 17 %d 0 0") }, // attach, detach
		func() error { return do("ptrace 0x4206 %d 0 0") }, func() error { return do("ptrace 0x4207 %d 0 0") }, // seize, interrupt
		stopped, func() error { return do("ptrace 17 %d 0 0") },
	} {
		err = errors.Join(err, step())
	}
	return "", err
})

func TestKernelRecordsOfPtrace(t *testing.T) {
	reportEachWay(t, []string{"process.ptrace"}, func(t *testing.T, r *reporting) {
		h := startHelper(t)
		pid := h.do("stay", "0")
		target, err := strconv.Atoi(pid)
		fatal(t, err)
		got := r.during(t, event.Ptrace, func() { h.do("trace", pid) })
		want := []event.PtraceEvent{{Request: 16, Target: uint32(target)}, {Request: 0x4206, Target: uint32(target)}}
		samePtraces(t, h, got, want, 0)
		h.do("reap")

		got = r.during(t, event.Ptrace, func() {
			h.do("calls", "ptrace 16 999999999 0 0 = ESRCH", "ptrace 0x100000010 999999999 0 0 = ESRCH", "ptrace 7 1 0 0 = ESRCH")
		})
		samePtraces(t, h, got, []event.PtraceEvent{{Request: 16, Target: 999999999}}, unix.ESRCH)

		got = r.during(t, event.Ptrace, func() { h.do("forkCalls", "1", "exit 0", "ptrace 0 0 0 0") })
		if len(got) != 1 || got[0].Ptrace != (event.PtraceEvent{}) || int(got[0].Actor.ParentPID) != h.cmd.Process.Pid {
			t.Errorf("traceme: %+v", got)
		}

		h.do("calls", asUser...)
		got = r.during(t, event.Ptrace, func() { h.do("calls", "ptrace 16 1 0 0 = EPERM", "ptrace 0x4206 1 0 0 = EPERM") })
		samePtraces(t, h, got, []event.PtraceEvent{{Request: 16, Target: 1}, {Request: 0x4206, Target: 1}}, unix.EPERM)
	})
}

func samePtraces(t *testing.T, h *helper, got []event.Event, want []event.PtraceEvent, errno unix.Errno) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records instead of %d: %+v", len(got), len(want), got)
	}
	for i, e := range got {
		h.of(t, e, errno)
		if e.Ptrace != want[i] {
			t.Errorf("%+v instead of %+v", e.Ptrace, want[i])
		}
	}
}

// Namespaces, by name, of which a helper may have new ones.
var namespaceFlags = map[string]uint64{
	"mount": unix.CLONE_NEWNS, "uts": unix.CLONE_NEWUTS, "ipc": unix.CLONE_NEWIPC, "pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET,
	"time": unix.CLONE_NEWTIME, "cgroup": unix.CLONE_NEWCGROUP, "user": unix.CLONE_NEWUSER,
	"several": unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS,
}

// sameNamespace wants one record, of the helper or of a child of it; none if flags are 0 and nothing failed.
func sameNamespace(t *testing.T, h *helper, got []event.Event, call event.NamespaceCall, flags uint64, errno unix.Errno) {
	t.Helper()
	if flags == 0 && errno == 0 {
		if len(got) != 0 {
			t.Errorf("%+v", got)
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("%d records: %+v", len(got), got)
	}
	e := got[0]
	if e.Namespace.Flags != flags || e.Namespace.Call != call || unix.Errno(e.Errno) != errno {
		t.Errorf("%s %#x errno %d, want %s %#x errno %d", e.Namespace.Call, e.Namespace.Flags, e.Errno, call, flags, errno)
	}
	if pid := h.cmd.Process.Pid; int(e.Actor.ParentPID) != pid && int(e.Actor.PID) != pid || e.Actor.Image == 0 {
		t.Errorf("by %+v, the helper is %d", e.Actor, pid)
	}
}

func TestKernelRecordsOfNamespaces(t *testing.T) {
	reportEachWay(t, []string{"process.namespace"}, func(t *testing.T, r *reporting) {
		h := startHelper(t)
		for name, flags := range namespaceFlags {
			t.Run("unshare "+name, func(t *testing.T) {
				h.t = t
				got := r.during(t, event.Namespace, func() { h.do("forkCalls", "1", "exit 0", fmt.Sprintf("unshare %#x", flags)) })
				sameNamespace(t, h, got, event.Unshare, flags, 0)
			})
			t.Run("clone "+name, func(t *testing.T) {
				h.t = t
				got := r.during(t, event.Namespace, func() { h.do("stay", fmt.Sprint(flags)); h.do("reap") })
				sameNamespace(t, h, got, event.Clone, flags, 0)
				if len(got) == 1 && int(got[0].Actor.PID) != h.cmd.Process.Pid {
					t.Errorf("by %d", got[0].Actor.PID)
				}
			})
		}
		for _, c := range []struct {
			name, deed string
			args       []string
			call       event.NamespaceCall
			flags      uint64
			errno      unix.Errno
		}{
			{"nothing new", "forkCalls", []string{"1", "exit 0", "unshare 0", "unshare 0x400"}, 0, 0, 0}, // CLONE_FILES
			{"a child in none of its own", "fork", []string{"2"}, 0, 0, 0},
			{"one with others", "forkCalls", []string{"1", "exit 0", "unshare 0x4000400"}, event.Unshare, unix.CLONE_NEWUTS, 0},
			{"no descriptor", "calls", []string{"setns -1 0 = EBADF"}, event.Setns, 0, unix.EBADF},
			{"no descriptor of this type", "calls", []string{"setns -1 0x40000000 = EBADF"}, event.Setns, unix.CLONE_NEWNET, unix.EBADF},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.t = t
				got := r.during(t, event.Namespace, func() { h.do(c.deed, c.args...) })
				sameNamespace(t, h, got, c.call, c.flags, c.errno)
			})
		}
		t.Run("setns", func(t *testing.T) { h.t = t; namespacesEntered(t, r, h) })
		t.Run("refused", func(t *testing.T) {
			h.t = t
			h.do("calls", asUser...)
			got := r.during(t, event.Namespace, func() { h.do("calls", "unshare 0x4020000 = EPERM") })
			sameNamespace(t, h, got, event.Unshare, unix.CLONE_NEWUTS|unix.CLONE_NEWNS, unix.EPERM)
			h.do("stay", "0")
			got = r.during(t, event.Namespace, func() { h.do("setns", "exit 1", "net", strconv.Itoa(h.cmd.Process.Pid), "0") })
			sameNamespace(t, h, got, event.Setns, 0, unix.EPERM)
		})
	})
}

func namespacesEntered(t *testing.T, r *reporting, h *helper) {
	const netAndUTS = unix.CLONE_NEWNET | unix.CLONE_NEWUTS
	pid := h.do("stay", fmt.Sprint(netAndUTS))
	for _, c := range []struct {
		by, types string
		flags     uint64
	}{
		{"net", "0", unix.CLONE_NEWNET},
		{"uts", "0x4000000", unix.CLONE_NEWUTS},
		{"ipc", "0", 0}, // which it is in
		{"pidfd", strconv.Itoa(netAndUTS), netAndUTS},
		{"pidfd", strconv.Itoa(netAndUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNS), netAndUTS},
	} {
		got := r.during(t, event.Namespace, func() { h.do("setns", "exit 0", c.by, pid, c.types) })
		t.Log(c.by, c.types)
		sameNamespace(t, h, got, event.Setns, c.flags, 0)
	}
	got := r.during(t, event.Namespace, func() { h.do("setns", "exit 22", "net", pid, "0x4000000") })
	sameNamespace(t, h, got, event.Setns, unix.CLONE_NEWUTS, unix.EINVAL)
	h.do("reap")
}
