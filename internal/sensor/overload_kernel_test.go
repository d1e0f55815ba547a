//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// slow is how long a record takes its reader, longer than it takes an emulated CPU to make one.
const slow = 200 * time.Microsecond

// A slowReader takes its time over every record, and only counts them. At the first
// it stops until the ring behind it is full, however slow the machine.
type slowReader struct {
	full    func() bool
	mu      sync.Mutex
	read    [event.KernelClasses]uint64
	high    uint64 // of suspicious processes
	numbers map[[2]uint64]numbered
	ticks   int
}

// numbered is what was seen of the records of one class and CPU.
type numbered struct{ next, received uint64 }

func (r *slowReader) Event(e *event.Event) {
	r.mu.Lock()
	r.read[e.Class]++
	if e.Class == event.Exec && e.Actor.Type == event.Suspicious {
		r.high++
	}
	key := [2]uint64{uint64(e.Class), uint64(e.CPU)}
	n := r.numbers[key]
	r.numbers[key] = numbered{max(n.next, e.Seq+1), n.received + 1}
	r.mu.Unlock()
	for !r.full() {
		time.Sleep(10 * time.Millisecond)
	}
	for start := time.Now(); time.Since(start) < slow; {
		runtime.Gosched()
	}
}

func (r *slowReader) Cgroup(event.Cgroup) {}

func (r *slowReader) Tick(time.Time) {
	r.mu.Lock()
	r.ticks++
	r.mu.Unlock()
}

func (r *slowReader) settle() {
	for was := -1; ; {
		r.mu.Lock()
		now := r.ticks
		r.mu.Unlock()
		if was < 0 {
			was = now
		} else if now > was+3 {
			return
		}
		time.Sleep(idle / 4)
	}
}

// missing is how many records the numbers say are missing, of each class.
func (r *slowReader) missing() (missing [event.KernelClasses]uint64) {
	for key, n := range r.numbers {
		missing[key[0]] += n.next - n.received
	}
	return missing
}

// TestKernelOverload does far more than is read, and accounts for every event.
func TestKernelOverload(t *testing.T) {
	needRoot(t)
	needShadow(t)
	const opens, execs, planted = 3_000, 300, 50
	s := Open(Options{
		Process: true, File: true, SyscallTracepoints: true, Cgroup: testCgroupID(),
		Watch:             []Watch{{shadow, event.Critical, true, true}},
		WorldWritableDirs: []string{"/tmp"},
		Report: Report{
			Classes: [event.KernelClasses]bool{event.Exec: true, event.Exit: true, event.FileOpen: true},
			Rings:   [Priorities]uint32{High: 1 << 20, Normal: 64 << 10, Low: 64 << 10},
		},
	})
	t.Cleanup(func() { fatal(t, s.Close()) })
	mustServe(t, s.Hooks())
	fatal(t, s.Reports())
	opener, runner, planter := startHelper(t), startHelper(t), startHelper(t)
	system, tmp := systemProgram(t), tmpProgram(t)

	started := make(chan struct{})
	full := func() bool { // the helpers' start fills nothing
		select {
		case <-started:
			now, err := s.Ledger()
			return err != nil || now[event.FileOpen][event.LostRing] > 0
		default:
			return true
		}
	}
	r, done := &slowReader{full: full, numbers: make(map[[2]uint64]numbered)}, make(chan error, 1)
	go func() { done <- s.Read(r) }()
	r.settle()
	before, err := s.Ledger()
	fatal(t, err)
	r.mu.Lock()
	r.read, r.high = [event.KernelClasses]uint64{}, 0 // that the helpers were started
	r.mu.Unlock()
	close(started)
	start := time.Now()
	counts := s.counted(t, func() {
		var all sync.WaitGroup
		all.Go(func() { opener.do("open files", "openat", "", strconv.Itoa(opens)) })
		all.Go(func() { runner.do("exec", strconv.Itoa(execs), system) })
		all.Go(func() { planter.do("exec", strconv.Itoa(planted), tmp) })
		all.Wait()
	})
	took := time.Since(start)
	r.settle()
	s.Stop()
	fatal(t, <-done)
	after, err := s.Ledger()
	fatal(t, err)

	want := ran(execs, event.System)
	want.Exec[event.Suspicious] += planted
	want.Exit[event.Suspicious] += planted
	want.FileAccess[event.Critical][event.Read] = opens
	same(t, counts, want)
	missing := r.missing()
	for _, c := range []event.Class{event.Exec, event.Exit, event.FileOpen} {
		n := func(o event.Outcome) uint64 { return after[c][o] - before[c][o] }
		t.Logf("%s in %s: observed %d, lost %d, read %d", c, took, n(event.Observed), n(event.LostRing), r.read[c])
		if n(event.Observed) != n(event.LostRing)+r.read[c]+n(event.Filtered)+n(event.Sampled) {
			t.Errorf("%s does not balance: %v", c, after[c])
		}
		// What was lost after the last record of a CPU has no number after it.
		if lost := after[c][event.LostRing]; missing[c] > lost {
			t.Errorf("%s: %d missing by their numbers, %d lost", c, missing[c], lost)
		}
	}
	if r.read[event.FileOpen] == opens {
		t.Error("nothing was lost: this is no overload")
	}
	// What the kernel skipped nobody saw, see same.
	if lost := planted - r.high; lost > counts.Missed {
		t.Errorf("%d records of suspicious processes instead of %d", r.high, planted)
	}
	if s.Undecoded() != 0 {
		t.Errorf("%d records made no sense", s.Undecoded())
	}
}

func TestKernelSampling(t *testing.T) {
	needRoot(t)
	needShadow(t)
	const opens = 10_000
	dir := dirIn(t, "/home")
	s := Open(Options{
		Process: true, File: true, SyscallTracepoints: true, Cgroup: testCgroupID(),
		Watch:             []Watch{{shadow, event.Critical, true, true}},
		WorldWritableDirs: []string{dir},
		Report:            Report{Classes: only(event.FileOpen), Rings: [Priorities]uint32{Low: 16 << 20}},
	})
	t.Cleanup(func() { fatal(t, s.Close()) })
	mustServe(t, s.Hooks())
	r, h := s.report(t), startHelper(t)
	fatal(t, s.SetSampleRate(event.FileOpen, 16))
	var counts Counts
	got := r.during(t, event.FileOpen, func() {
		counts = s.counted(t, func() { h.do("open files", "openat", "", strconv.Itoa(opens)) })
	})
	var want Counts
	want.FileAccess[event.Critical][event.Read] = opens
	same(t, counts, want)
	var stands uint64
	for _, e := range got {
		stands += uint64(e.Weight)
	}
	// Each is left out or not for itself: 4 standard deviations are 4·√(10000·15/16·1/16)·16 ≈ 1550.
	if stands < opens-1550 || stands > opens+1550 {
		t.Errorf("%d records stand for %d events, not for %d", len(got), stands, opens)
	}
	image, err := os.ReadFile("/proc/self/exe")
	fatal(t, err)
	path := filepath.Join(dir, "suspicious")
	fatal(t, os.WriteFile(path, image, 0o755))
	suspicious := startHelper(t, func(c *exec.Cmd) { c.Path = path })
	if all := r.during(t, event.FileOpen, func() { suspicious.do("open files", "openat", "", "100") }); len(all) != 100 {
		t.Errorf("%d records of a suspicious process instead of 100", len(all))
	}
	fatal(t, s.SetSampleRate(event.FileOpen, 1))
	if again := r.during(t, event.FileOpen, func() { h.do("open files", "openat", "", "100") }); len(again) != 100 {
		t.Errorf("%d records instead of 100", len(again))
	}
}

func TestKernelFilters(t *testing.T) {
	needRoot(t)
	needShadow(t)
	dir := dirIn(t, "/home")
	fatal(t, makeFiles(dir))
	exe := helperExecutable(t)
	for _, c := range []struct {
		name          string
		exclude, only Filter
		want          int
	}{
		{"this path", Filter{Paths: []string{shadow}}, Filter{}, 10},
		{"paths below", Filter{Paths: []string{dir + "/"}}, Filter{}, 10},
		{"but this path", Filter{}, Filter{Paths: []string{shadow}}, 10},
		{"root", Filter{Users: []uint32{0}}, Filter{}, 0},
		{"but another user", Filter{}, Filter{Users: []uint32{1}}, 0},
		{"this program", Filter{Executables: []string{exe}}, Filter{}, 0},
		{"programs beside it", Filter{Executables: []string{parent(exe)}}, Filter{}, 0},
		{"but this program", Filter{}, Filter{Executables: []string{exe}}, 20},
		{"but another program", Filter{}, Filter{Executables: []string{exe + "X"}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Open(Options{
				Process: len(c.exclude.Executables)+len(c.only.Executables) > 0,
				File:    true, SyscallTracepoints: true, Cgroup: testCgroupID(), Watch: watchList(dir),
				Report: Report{Classes: only(event.FileOpen), Rings: [Priorities]uint32{Low: 1 << 20}, Exclude: c.exclude, Only: c.only},
			})
			t.Cleanup(func() { fatal(t, s.Close()) })
			mustServe(t, s.Hooks())
			r, h := s.report(t), startHelper(t)
			got := r.during(t, event.FileOpen, func() {
				h.do("open files", "openat", dir, "10")
				h.do("open files", "read, where reads are watched", dir, "10")
			})
			if len(got) != c.want {
				t.Errorf("%d records instead of %d", len(got), c.want)
			}
		})
	}
}

// TestKernelFiltersOfWhatRanBefore: filters know the programs of processes that
// are older than the sensor, and of the children of these.
func TestKernelFiltersOfWhatRanBefore(t *testing.T) {
	needRoot(t)
	dir := dirIn(t, "/home")
	fatal(t, makeFiles(dir))
	exe := helperExecutable(t)
	for _, c := range []struct {
		name          string
		exclude, only Filter
		none          bool
	}{
		{"this program", Filter{Executables: []string{exe}}, Filter{}, true},
		{"programs beside it", Filter{Executables: []string{parent(exe)}}, Filter{}, true},
		{"but this program", Filter{}, Filter{Executables: []string{exe}}, false},
		{"but another program", Filter{}, Filter{Executables: []string{exe + "X"}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startHelper(t)
			s := Open(Options{
				Process: true, File: true, SyscallTracepoints: true,
				Watch:  []Watch{{Path: dir + "/", Severity: event.Critical, Read: true, Write: true}},
				Report: Report{Classes: only(event.FileOpen), Rings: [Priorities]uint32{Low: 1 << 20}, Exclude: c.exclude, Only: c.only},
			})
			t.Cleanup(func() { fatal(t, s.Close()) })
			mustServe(t, s.Hooks())
			r := s.report(t)
			got := r.during(t, event.FileOpen, func() { h.do("open files", "read, where reads are watched", dir, "10") })
			if want := map[bool]int{false: 10}[c.none]; len(got) != want {
				t.Errorf("%d records instead of %d", len(got), want)
			}
		})
	}
}

// helperExecutable is the path of what helpers run.
func helperExecutable(t *testing.T) string {
	t.Helper()
	h := startHelper(t)
	path, err := os.Readlink("/proc/" + strconv.Itoa(h.cmd.Process.Pid) + "/exe")
	fatal(t, err)
	return path
}
