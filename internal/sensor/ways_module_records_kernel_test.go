//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// of fails the test unless an event was done by a helper itself, and ended so.
func (h *helper) of(t *testing.T, e event.Event, errno unix.Errno) {
	t.Helper()
	if int(e.Actor.PID) != h.cmd.Process.Pid || e.Actor.Image == 0 {
		t.Errorf("of %+v instead of %d", e.Actor, h.cmd.Process.Pid)
	}
	if unix.Errno(e.Errno) != errno {
		t.Errorf("errno %q instead of %q", unix.ErrnoName(unix.Errno(e.Errno)), unix.ErrnoName(errno))
	}
}

// tellsNames tells whether a way learns names in the middle of calls.
func tellsNames(way *testing.T) bool {
	return strings.Contains(way.Name(), "/trampolines") || strings.Contains(way.Name(), "/kprobes")
}

func module(e event.Event) string {
	m := e.Module
	return fmt.Sprintf("%s %s %q %q", m.Action, unix.ErrnoName(unix.Errno(e.Errno)), m.Name, m.Path)
}

func TestKernelRecordsOfModuleFailures(t *testing.T) {
	needModules(t)
	noise := filepath.Join(t.TempDir(), "no\nise\xff.ko")
	fatal(t, os.WriteFile(noise, []byte("this is no module, and long enough not to be taken for a short one"), 0o600))
	reportEachWay(t, []string{"kernel.module"}, func(t *testing.T, r *reporting) {
		if r.serves(bpfProgModLoadTp) {
			return // it cannot see failures, and says so
		}
		for _, c := range []struct {
			name, deed, end, arg, path string
			action                     event.ModuleAction
			errno                      unix.Errno
		}{
			{"a bad image", "initModule", "ENOEXEC", noise, "", event.Load, unix.ENOEXEC},
			{"a file that is none", "finitModule", "ENOEXEC", noise, noise, event.LoadFile, unix.ENOEXEC},
			{"a file without rights", "finitModule", "EPERM", noise, "", event.LoadFile, unix.EPERM},
			{"a module that is not there", "deleteModule", "ENOENT", "none", "", event.Unload, unix.ENOENT},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := startHelper(t)
				if c.end == "EPERM" {
					h.do("calls", "capset 0 0")
				}
				got := r.during(t, event.Module, func() { h.do(c.deed, c.end, c.arg) })
				if len(got) != 1 {
					t.Fatalf("%d records: %+v", len(got), got)
				}
				h.of(t, got[0], c.errno)
				m := got[0].Module
				if !tellsNames(t) {
					c.path = ""
				}
				if m.Action != c.action || string(m.Path) != c.path || len(m.Name) != 0 {
					t.Errorf("%s, want path %q", module(got[0]), c.path)
				}
			})
		}
	})
}

func TestKernelRecordsOfModules(t *testing.T) {
	needModules(t)
	const dummy = "/mod/dummy.ko"
	if _, err := os.Stat(dummy); err != nil {
		t.Skipf("not on this kernel: kernel.module: a module to load: %v", err)
	}
	reportEachWay(t, []string{"kernel.module"}, func(t *testing.T, r *reporting) {
		h := startHelper(t)
		for _, c := range []struct {
			deed, end, arg, name, path string
			action                     event.ModuleAction
			errno                      unix.Errno
		}{
			{"initModule", "", dummy, "dummy", "", event.Load, 0},
			{"initModule", "EEXIST", dummy, "", "", event.Load, unix.EEXIST},
			{"deleteModule", "", "dummy", "dummy", "", event.Unload, 0},
			{"finitModule", "", dummy, "dummy", dummy, event.LoadFile, 0},
			{"deleteModule", "", "dummy", "dummy", "", event.Unload, 0},
		} {
			got := r.during(t, event.Module, func() { h.do(c.deed, c.end, c.arg) })
			if c.errno != 0 && r.serves(bpfProgModLoadTp) {
				continue
			}
			if len(got) != 1 {
				t.Fatalf("%s: %d records: %+v", c.deed, len(got), got)
			}
			if !tellsNames(t) {
				c.path = ""
			}
			m := got[0].Module
			h.of(t, got[0], c.errno)
			if m.Action != c.action || string(m.Name) != c.name || string(m.Path) != c.path {
				t.Errorf("%s: %s", c.deed, module(got[0]))
			}
		}
		got := r.during(t, event.Module, func() { t.Log("came too late: ", h.do("finitRaced", dummy)); h.do("deleteModule", "", "dummy") })
		modulesRaced(t, got, dummy)
	})
}

// modulesRaced wants the file told that the kernel has read: a module, or no module.
func modulesRaced(t *testing.T, got []event.Event, dummy string) {
	t.Helper()
	if len(got) < 2 {
		t.Fatalf("%d records", len(got))
	}
	for _, e := range got[:len(got)-1] {
		want, path := "dummy", dummy
		if e.Errno != 0 {
			want, path = "", readlink("/proc/self/exe")
		}
		if !tellsNames(t) {
			path = ""
		}
		if string(e.Module.Name) != want || string(e.Module.Path) != path {
			t.Errorf("%s", module(e))
		}
	}
}

// finitRaced path: loads a module while another thread lets the descriptor lead elsewhere. Tells how often the
// kernel came too late and took the other file.
var _ = can("finitRaced", func(args []string) (string, error) {
	for n := 0; ; n++ {
		err := finitWhileReplaced(args[0])
		if err == nil || !errors.Is(err, unix.ENOEXEC) || n == 100 {
			return fmt.Sprint(n), err
		}
	}
})

func finitWhileReplaced(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	other, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(other)
	end := beside(func() { _ = unix.Dup3(other, fd, unix.O_CLOEXEC) })
	err = unix.FinitModule(fd, "", 0)
	end()
	return err
}

// beside does something again and again on a thread of its own until end is called.
func beside(do func()) (end func()) {
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for !over.Load() {
			do()
		}
	}()
	return func() { over.Store(true); <-done }
}
