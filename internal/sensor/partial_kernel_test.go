//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelRefusesPrograms lets the verifier refuse a program that has no other
// way, and one that may have: that costs their hooks, and nothing else.
func TestKernelRefusesPrograms(t *testing.T) {
	needRoot(t)
	want := usual()
	file := programOf(want, "file.open")
	s := open(everything(), hooksFor(everything()), func(spec *ebpf.CollectionSpec) {
		for _, name := range []string{bpfProgTcpState, file} {
			spec.Programs[name].Instructions = asm.Instructions{asm.Return()} // without a value
		}
	})
	defer s.Close()
	for i, h := range s.Hooks() {
		switch h.Name {
		case "network.tcp":
			if h.Program != "" || h.Err == nil || !strings.Contains(h.Err.Error(), "tcp_state: load") {
				t.Errorf("%s by %q: %v", h.Name, h.Program, h.Err)
			}
		case "file.open":
			if h.Program == file || h.Err == nil || !strings.Contains(h.Err.Error(), file+": load") {
				t.Errorf("%s by %q: %v", h.Name, h.Program, h.Err)
			}
		default:
			if h.Program != want[i].Program {
				t.Errorf("%s by %q instead of %q: %v", h.Name, h.Program, want[i].Program, h.Err)
			}
		}
	}
	if c, err := s.Count(); err != nil || c.Active == [event.ProcessTypes]int64{} {
		t.Errorf("counted %+v, %v", c, err)
	}
}

func TestKernelWithoutSyscallTracepoints(t *testing.T) {
	needRoot(t)
	o := everything()
	o.SyscallTracepoints = false
	s := Open(o)
	defer s.Close()
	spec, err := loadBpf()
	fatal(t, err)
	for _, h := range s.Hooks() {
		p := spec.Programs[h.Program]
		if h.SyscallTracepoints || p != nil && p.Type == ebpf.TracePoint {
			t.Errorf("%s by %q", h.Name, h.Program)
		}
		if p == nil && !lacks(h.Name) && !strings.Contains(h.Err.Error(), "syscall_tracepoints: never") {
			t.Errorf("%s by nothing, but not as it was asked for: %v", h.Name, h.Err)
		}
	}
}

// TestKernelFullTables leaves ten places each to TCP, UDP and watched paths.
func TestKernelFullTables(t *testing.T) {
	l := newLab(t)
	l.open(t, func(spec *ebpf.CollectionSpec) {
		for _, name := range []string{bpfMapConnections, bpfMapUdpSocks, bpfMapListeners} {
			spec.Maps[name].MaxEntries = 10
		}
	})
	l.do(t, "hold tcp", "20")
	l.do(t, "hold udp", "20")
	got := l.now(t).minus(l.start)
	var want Counts
	want.Connect[event.Out][event.TCP], want.Connect[event.In][event.TCP] = 60, 60
	want.ConnectActive, want.Untracked = got.ConnectActive, got.Untracked // looked at below
	want.Connect[event.Out][event.UDP], want.Connect[event.In][event.UDP] = got.Connect[event.Out][event.UDP], got.Connect[event.In][event.UDP]
	same(t, got, want)
	if n := got.ConnectActive[event.In][event.TCP] + got.ConnectActive[event.Out][event.TCP]; n != 10 {
		t.Errorf("%d TCP connections are active, want as many as the table holds", n)
	}
	if n := got.ConnectActive[event.In][event.UDP] + got.ConnectActive[event.Out][event.UDP]; n != 10 {
		t.Errorf("%d UDP sockets are active, want as many as the table holds", n)
	}
	if got.Untracked < 110+53 {
		t.Errorf("%d are untracked, want all that did not fit", got.Untracked)
	}
	l.do(t, "release")
	if active := l.now(t).ConnectActive; active != (Counts{}).ConnectActive {
		t.Errorf("%v are active, want none", active)
	}
}

// TestKernelOpenAndClose leaves nothing behind.
func TestKernelOpenAndClose(t *testing.T) {
	needRoot(t)
	usual() // what is kept, is kept once
	files, routines := descriptors(t), runtime.NumGoroutine()
	for i := range 6 {
		o := everything()
		if i > 0 { // the others load slowly in a VM
			o = Options{Network: true}
		}
		s := Open(o)
		_, err := s.Count()
		fatal(t, err)
		fatal(t, s.Close())
	}
	if n := descriptors(t); n != files {
		t.Errorf("%d descriptors are open, want %d", n, files)
	}
	if n := runtime.NumGoroutine(); n > routines { // one of an earlier test may have ended meanwhile
		t.Errorf("%d goroutines run, want %d at most", n, routines)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	fatal(t, err)
	return len(fds)
}

// TestKernelTwoSensors lets both count all, until one is closed.
func TestKernelTwoSensors(t *testing.T) {
	a := newLab(t)
	b := &lab{helper: a.helper}
	a.open(t)
	b.open(t)
	want := orderly.times(200)
	before := b.now(t)
	a.expect(t, want, "tcp", orderlyCases[0].name, "v4", "200")
	same(t, b.now(t).minus(before), want)
	fatal(t, b.Close())
	a.expect(t, want, "tcp", orderlyCases[0].name, "v4", "200")
	if c, err := b.Count(); err != nil || c != (Counts{}) {
		t.Errorf("closed, it counted %+v, %v", c, err)
	}
}

// usual are the hooks of a sensor for everything, if nothing is in its way.
var usual = sync.OnceValue(func() []Hook {
	s := Open(everything())
	defer s.Close()
	return s.Hooks()
})

func programOf(hooks []Hook, name string) string {
	for _, h := range hooks {
		if h.Name == name {
			return h.Program
		}
	}
	return ""
}
