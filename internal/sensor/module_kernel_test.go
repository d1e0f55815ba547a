//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// The deeds with modules: by what they are done, and the error that is expected.
var _ = can("initModule", func(args []string) (string, error) {
	image, err := os.ReadFile(args[1])
	if err != nil {
		return "", err
	}
	return "", wanted(args[0], unix.InitModule(image, ""))
})

var _ = can("finitModule", func(args []string) (string, error) {
	fd, err := unix.Open(args[1], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "", wanted(args[0], unix.FinitModule(fd, "", 0))
})

var _ = can("deleteModule", func(args []string) (string, error) {
	return "", wanted(args[0], unix.DeleteModule(args[1], unix.O_NONBLOCK))
})

func wanted(name string, err error) error {
	var errno unix.Errno
	errors.As(err, &errno)
	if is := unix.ErrnoName(errno); is != name {
		return fmt.Errorf("%q instead of %q", is, name)
	}
	return nil
}

func moduled(action event.ModuleAction, result event.Result) (c Counts) {
	c.Module[action][result] = 1
	return c
}

func TestKernelModuleFailures(t *testing.T) {
	needModules(t)
	noise := filepath.Join(t.TempDir(), "noise.ko")
	fatal(t, os.WriteFile(noise, []byte("this is no module, and long enough not to be taken for a short one"), 0o600))
	eachWay(t, []string{"kernel.module"}, func(t *testing.T, s *Sensor) {
		if s.serves(bpfProgModLoadTp) {
			return // it cannot see failures, and says so
		}
		for _, c := range []struct {
			name, deed, end, arg string
			action               event.ModuleAction
		}{
			{"a bad image", "initModule", "ENOEXEC", noise, event.Load},
			{"a file that is none", "finitModule", "ENOEXEC", noise, event.LoadFile},
			{"a file without rights", "finitModule", "EPERM", noise, event.LoadFile},
			{"a module that is not there", "deleteModule", "ENOENT", "none", event.Unload},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := startHelper(t)
				if c.end == "EPERM" {
					h.do("calls", "capset 0 0")
				}
				same(t, s.counted(t, func() { h.do(c.deed, c.end, c.arg) }), moduled(c.action, event.Failure))
			})
		}
	})
}

func needModules(t *testing.T) {
	t.Helper()
	needRoot(t)
	if lacks("kernel.module") {
		t.Skip("not on this kernel: kernel.module: it is built without modules")
	}
}

func TestKernelModuleLoads(t *testing.T) {
	needModules(t)
	const dummy = "/mod/dummy.ko"
	if _, err := os.Stat(dummy); err != nil {
		t.Skipf("not on this kernel: kernel.module: a module to load: %v", err)
	}
	eachWay(t, []string{"kernel.module"}, func(t *testing.T, s *Sensor) {
		h := startHelper(t)
		for _, c := range []struct {
			deed, end, arg string
			want           Counts
		}{
			{"initModule", "", dummy, moduled(event.Load, event.Success)},
			{"deleteModule", "", "dummy", moduled(event.Unload, event.Success)},
			{"finitModule", "", dummy, moduled(event.LoadFile, event.Success)},
			{"deleteModule", "", "dummy", moduled(event.Unload, event.Success)},
		} {
			same(t, s.counted(t, func() { h.do(c.deed, c.end, c.arg) }), c.want)
		}
	})
}

// bpfCall is the system call; its attributes are 32-bit words (union bpf_attr).
// bpfCall lets no signal of the Go runtime end the verification of a program, with EAGAIN.
func bpfCall(cmd uintptr, attr ...uint32) (int, error) {
	var full [32]uint32
	copy(full[:], attr)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, all := unix.Sigset_t{}, unix.Sigset_t{}
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before); err != nil {
		return 0, err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	fd, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(&full)), unsafe.Sizeof(full))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}

func bpfFD(cmd uintptr, attr ...uint32) error {
	fd, err := bpfCall(cmd, attr...)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// loadProgram loads what returns 1.
func loadProgram(of, expected uint32) (int, error) {
	code := []uint64{0x00000001_0000_00b7, 0x95} // r0 = 1; exit
	license := []byte("GPL\x00")
	c, l := uint64(uintptr(unsafe.Pointer(&code[0]))), uint64(uintptr(unsafe.Pointer(&license[0])))
	attr := []uint32{of, 2, uint32(c), uint32(c >> 32), uint32(l), uint32(l >> 32)}
	attr = append(attr, make([]uint32, 11)...)
	attr = append(attr, expected) // expected_attach_type is word 17
	fd, err := bpfCall(unix.BPF_PROG_LOAD, attr...)
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	return fd, err
}

var _ = can("bpfMap", times(func(n int, args []string) error {
	size := uint32(4)
	if args[0] != "" {
		size = 0
	}
	for range n {
		if err := wanted(args[0], bpfFD(unix.BPF_MAP_CREATE, unix.BPF_MAP_TYPE_ARRAY, 4, size, 1)); err != nil {
			return err
		}
	}
	return nil
}))

var _ = can("bpfProg", times(func(n int, args []string) error {
	kind := uint32(unix.BPF_PROG_TYPE_SOCKET_FILTER)
	if args[0] != "" {
		kind = 0xffff
	}
	for range n {
		fd, err := loadProgram(kind, 0)
		if err == nil {
			unix.Close(fd)
		}
		if err := wanted(args[0], err); err != nil {
			return err
		}
	}
	return nil
}))

// bpfAttach dir: one load, and one attachment in each of three ways.
var _ = can("bpfAttach", func(args []string) (string, error) {
	dir, err := unix.Open(args[0], unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(dir)
	cgroup, err := loadProgram(unix.BPF_PROG_TYPE_CGROUP_SKB, unix.BPF_CGROUP_INET_EGRESS)
	if err != nil {
		return "", fmt.Errorf("load: %w", err)
	}
	defer unix.Close(cgroup)
	raw, err := loadProgram(unix.BPF_PROG_TYPE_RAW_TRACEPOINT, 0)
	if err != nil {
		return "", fmt.Errorf("load: %w", err)
	}
	defer unix.Close(raw)
	return "", attachAll(uint32(dir), uint32(cgroup), uint32(raw))
})

func attachAll(dir, cgroup, raw uint32) error {
	name := []byte("sched_process_exit\x00")
	p := uint64(uintptr(unsafe.Pointer(&name[0])))
	defer runtime.KeepAlive(name)
	const none = 0xffffffff
	for _, c := range []struct {
		what, end string
		cmd       uintptr
		attr      []uint32
	}{
		{"link", "", unix.BPF_LINK_CREATE, []uint32{cgroup, dir, unix.BPF_CGROUP_INET_EGRESS}},
		{"link of no program", "EBADF", unix.BPF_LINK_CREATE, []uint32{none, dir, unix.BPF_CGROUP_INET_EGRESS}},
		{"raw tracepoint", "", unix.BPF_RAW_TRACEPOINT_OPEN, []uint32{uint32(p), uint32(p >> 32), raw}},
		{"attach", "", unix.BPF_PROG_ATTACH, []uint32{dir, cgroup, unix.BPF_CGROUP_INET_EGRESS}},
		{"attach of no program", "EBADF", unix.BPF_PROG_ATTACH, []uint32{dir, none, unix.BPF_CGROUP_INET_EGRESS}},
		{"detach", "", unix.BPF_PROG_DETACH, []uint32{dir, cgroup, unix.BPF_CGROUP_INET_EGRESS}},
	} {
		fd, err := bpfCall(c.cmd, c.attr...)
		if fd > 0 {
			unix.Close(fd)
		}
		if err := wanted(c.end, err); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}
