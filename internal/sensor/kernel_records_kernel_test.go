//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

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

// bpfInfo is what BPF_OBJ_GET_INFO_BY_FD tells of a program: the front of struct bpf_prog_info.
type bpfInfo struct {
	Type, ID uint32
	Name     string
}

func infoOf(fd int) (bpfInfo, error) {
	var info [128]byte // struct bpf_prog_info: type, id, tag[8], 4 words, 2 pointers, load_time, uid, nr_map_ids, map_ids, name
	p := uint64(uintptr(unsafe.Pointer(&info[0])))
	_, err := bpfCall(unix.BPF_OBJ_GET_INFO_BY_FD, uint32(fd), uint32(len(info)), uint32(p), uint32(p>>32))
	runtime.KeepAlive(&info)
	word := func(at int) uint32 { return *(*uint32)(unsafe.Pointer(&info[at])) }
	return bpfInfo{word(0), word(4), string(text(info[64:80]))}, err
}

// loadNamed loads what returns 0, with a name.
func loadNamed(of uint32, name string) (int, error) {
	code := []uint64{0x00000000_0000_00b7, 0x95} // r0 = 0; exit
	license := []byte("GPL\x00")
	c, l := uint64(uintptr(unsafe.Pointer(&code[0]))), uint64(uintptr(unsafe.Pointer(&license[0])))
	attr := make([]uint32, 32)
	copy(attr, []uint32{of, 2, uint32(c), uint32(c >> 32), uint32(l), uint32(l >> 32)})
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&attr[12])), 15), name) // prog_name is at byte 48
	fd, err := bpfCall(unix.BPF_PROG_LOAD, attr...)
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	return fd, err
}

// bpfNamed type name…: loads programs, tells what the kernel says of them.
var _ = can("bpfNamed", func(names []string) (string, error) {
	var all []bpfInfo
	for i, name := range names {
		of := []uint32{unix.BPF_PROG_TYPE_SOCKET_FILTER, unix.BPF_PROG_TYPE_KPROBE, unix.BPF_PROG_TYPE_TRACEPOINT}[i%3]
		fd, err := loadNamed(of, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		info, err := infoOf(fd)
		unix.Close(fd)
		if err != nil {
			return "", err
		}
		all = append(all, info)
	}
	out, err := json.Marshal(all)
	return string(out), err
})

// bpfRaced n: loads "honest" while another thread lets all new descriptors lead to "other".
var _ = can("bpfRaced", times(func(n int, _ []string) error {
	other, err := loadNamed(unix.BPF_PROG_TYPE_SOCKET_FILTER, "other")
	if err != nil {
		return err
	}
	defer unix.Close(other)
	free, err := unix.Dup(other) // the number that every load will get
	if err != nil {
		return err
	}
	unix.Close(free)
	end := beside(func() {
		if _, err := unix.FcntlInt(uintptr(free), unix.F_GETFD, 0); err == nil { // only what is open is replaced
			_ = unix.Dup3(other, free, unix.O_CLOEXEC)
		}
	})
	for range n {
		fd, e := loadNamed(unix.BPF_PROG_TYPE_SOCKET_FILTER, "honest")
		err = errors.Join(err, e)
		if e == nil {
			unix.Close(fd)
		}
	}
	end()
	unix.Close(free)
	return err
}))

func TestKernelRecordsOfBPF(t *testing.T) {
	reportEachWay(t, []string{"kernel.bpf"}, func(t *testing.T, r *reporting) {
		h := startHelper(t)
		t.Run("programs", func(t *testing.T) {
			h.t = t
			var want []bpfInfo
			got := r.during(t, event.BPF, func() {
				fatal(t, json.Unmarshal([]byte(h.do("bpfNamed", "first", "", "exactly15_chars", "x.y_z")), &want))
			})
			if len(got) != len(want) || len(want) != 4 {
				t.Fatalf("%d records instead of %d", len(got), len(want))
			}
			for i, e := range got {
				h.of(t, e, 0)
				if is := (bpfInfo{e.BPF.Type, e.BPF.ID, string(e.BPF.Name)}); is != want[i] || is.ID == 0 {
					t.Errorf("%+v instead of %+v", is, want[i])
				}
			}
		})
		t.Run("programs that cannot be", func(t *testing.T) {
			h.t = t
			got := r.during(t, event.BPF, func() { h.do("bpfProg", "5", "EINVAL") })
			if len(got) != 5 {
				t.Fatalf("%d records instead of 5", len(got))
			}
			for _, e := range got {
				h.of(t, e, unix.EINVAL)
				if e.BPF.ID != 0 || e.BPF.Type != 0 || len(e.BPF.Name) != 0 {
					t.Errorf("%+v", e.BPF)
				}
			}
		})
		t.Run("what loads no program", func(t *testing.T) {
			h.t = t
			if got := r.during(t, event.BPF, func() { h.do("bpfMap", "5", "") }); len(got) != 0 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("descriptors that are replaced", func(t *testing.T) {
			h.t = t
			got := r.during(t, event.BPF, func() { h.do("bpfRaced", "300") })
			if len(got) != 301 {
				t.Fatalf("%d records instead of 301", len(got))
			}
			others := 0
			for _, e := range got {
				if string(e.BPF.Name) == "other" {
					others++
				}
			}
			if others != 1 && tellsNames(t) {
				t.Errorf("%d are said to be another program", others-1)
			}
		})
	})
}

func TestKernelRecordsOfOwnBPF(t *testing.T) {
	reportEachWay(t, []string{"kernel.bpf"}, func(t *testing.T, r *reporting) {
		moveTo(t, testCgroup())
		defer moveTo(t, cgroup2Root(""))
		if got := r.during(t, event.BPF, func() { fatal(t, Open(Options{Process: true}).Close()) }); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}
