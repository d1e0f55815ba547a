//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// state is what a sensor tells of itself.
type state struct {
	Hooks []struct{ Name, Program, Err string }
	Zero  bool // nothing was counted, and no process is active
}

// hook finds one by its name.
func (s state) hook(name string) (program, err string) {
	for _, h := range s.Hooks {
		if h.Name == name {
			return h.Program, h.Err
		}
	}
	return "", ""
}

// A helper opens a sensor for everything, with the BTF that args name, asks it, and closes it twice.
var _ = can("sensor", func(args []string) (string, error) {
	o := everything()
	if len(args) > 0 {
		o.BTF = args[0]
	}
	s := Open(o)
	counts, err := s.Count()
	told := state{Zero: counts == Counts{}}
	for _, h := range s.Hooks() {
		told.Hooks = append(told.Hooks, struct{ Name, Program, Err string }{h.Name, h.Program, fmt.Sprint(h.Err)})
	}
	out, marshal := json.Marshal(told)
	return string(out), errors.Join(err, marshal, s.Close(), s.Close())
})

// degraded tells what becomes of a sensor in a helper that did the deeds before.
func degraded(t *testing.T, h *helper, args ...string) (s state) {
	t.Helper()
	fatal(t, json.Unmarshal([]byte(h.do("sensor", args...)), &s))
	return s
}

// unserved fails unless every hook says why it is not served, in these words.
func (s state) unserved(t *testing.T, why string) {
	t.Helper()
	for _, h := range s.Hooks {
		if h.Program != "" || !strings.Contains(h.Err, why) {
			t.Errorf("%s by %q: %s; want none, and %q", h.Name, h.Program, h.Err, why)
		}
	}
	if !s.Zero || len(s.Hooks) == 0 {
		t.Errorf("%d hooks, all zero is %v", len(s.Hooks), s.Zero)
	}
}

func TestKernelWithoutCapabilities(t *testing.T) {
	needRoot(t)
	h := startHelper(t)
	h.do("keep capabilities")
	degraded(t, h).unserved(t, "CAP_BPF")
}

// TestKernelWithFewCapabilities keeps those that README.md says suffice.
func TestKernelWithFewCapabilities(t *testing.T) {
	needRoot(t)
	few := "BPF PERFMON NET_ADMIN DAC_READ_SEARCH"
	h := startHelper(t)
	h.do("keep capabilities", few)
	got := degraded(t, h)
	if strings.Contains(got.Hooks[0].Err, "CAP_SYS_RESOURCE") {
		h = startHelper(t)
		h.do("keep capabilities", few, "SYS_RESOURCE")
		got = degraded(t, h)
	}
	if strings.Contains(fmt.Sprint(got.Hooks), "wants CAP_SYS_ADMIN") {
		h = startHelper(t)
		h.do("keep capabilities", few, "SYS_RESOURCE", "SYS_ADMIN")
		got = degraded(t, h)
	}
	for _, hook := range usual() {
		if program, err := got.hook(hook.Name); program != hook.Program {
			t.Errorf("%s by %q instead of %q: %s", hook.Name, program, hook.Program, err)
		}
	}
}

func TestKernelWithoutBTF(t *testing.T) {
	needRoot(t)
	h := startHelper(t)
	degraded(t, h, "/nowhere/btf").unserved(t, "/nowhere/btf")
	degraded(t, h, "/proc/self/status").unserved(t, "type information (BTF)")
}

// TestKernelWithoutTracefs wants all that is not a tracepoint of perf.
func TestKernelWithoutTracefs(t *testing.T) {
	needRoot(t)
	h := startHelper(t)
	h.do("own mounts")
	h.do("hide", "/sys/kernel/tracing", "/sys/kernel/debug")
	got := degraded(t, h)
	spec, err := loadBpf()
	fatal(t, err)
	for _, hook := range usual() {
		program, why := got.hook(hook.Name)
		if p := spec.Programs[hook.Program]; p != nil && p.Type == ebpf.TracePoint {
			if program == hook.Program || !strings.Contains(why, "tracefs") {
				t.Errorf("%s by %q: %s", hook.Name, program, why)
			}
			continue
		}
		if program != hook.Program {
			t.Errorf("%s by %q instead of %q: %s", hook.Name, program, hook.Program, why)
		}
	}
}

// TestKernelInPIDNamespace is a container without hostPID.
func TestKernelInPIDNamespace(t *testing.T) {
	needRoot(t)
	h := startHelper(t, func(c *exec.Cmd) { c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS })
	h.do("own mounts")
	h.do("mount proc")
	got := degraded(t, h)
	for _, hook := range usual() {
		program, why := got.hook(hook.Name)
		if hook.Name == "process.existing" {
			if program != "" || !strings.Contains(why, "hostPID") {
				t.Errorf("%s by %q: %s", hook.Name, program, why)
			}
		} else if program != hook.Program {
			t.Errorf("%s by %q instead of %q: %s", hook.Name, program, hook.Program, why)
		}
	}
}

var capabilities = map[string]int{
	"BPF": unix.CAP_BPF, "PERFMON": unix.CAP_PERFMON, "NET_ADMIN": unix.CAP_NET_ADMIN, "DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH,
	"SYS_RESOURCE": unix.CAP_SYS_RESOURCE, "SYS_ADMIN": unix.CAP_SYS_ADMIN,
}

// All threads of the helper keep only the capabilities that are named.
var _ = can("keep capabilities", func(args []string) (string, error) {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for _, name := range strings.Fields(strings.Join(args, " ")) {
		c := capabilities[name]
		data[c/32].Effective |= 1 << (c % 32)
		data[c/32].Permitted |= 1 << (c % 32)
	}
	_, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&data)), 0)
	if e != 0 {
		return "", e
	}
	return "", nil
})

// hide covers directories with empty ones.
var _ = can("hide", func(args []string) (string, error) {
	return "", caught(func() {
		for _, dir := range args {
			must("hide "+dir, unix.Mount("none", dir, "tmpfs", 0, ""))
		}
	})
})

var _ = can("mount proc", func([]string) (string, error) {
	return "", unix.Mount("proc", "/proc", "proc", 0, "")
})
