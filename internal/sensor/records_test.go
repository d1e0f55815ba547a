//go:build linux && (amd64 || arm64)

package sensor

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A recorder keeps copies of what a sensor reports.
type recorder struct {
	mu      sync.Mutex
	events  []event.Event
	cgroups []event.Cgroup
	early   []event.Event // executions whose cgroup was not told before
	ticks   int
}

func (r *recorder) Event(e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := *e
	for _, text := range []*[]byte{
		&c.Exec.Path, &c.Exec.CWD, &c.Exec.Args, &c.File.Path, &c.Module.Name, &c.Module.Path,
		&c.BPF.Name, &c.Mount.Device, &c.Mount.Type, &c.Mount.Target,
	} {
		*text = bytes.Clone(*text)
	}
	r.events = append(r.events, c)
	told := func(cg event.Cgroup) bool { return cg.ID == c.Actor.Cgroup && cg.Hierarchy == c.Actor.Hierarchy }
	if c.Class == event.Exec && c.Errno == 0 && !slices.ContainsFunc(r.cgroups, told) {
		r.early = append(r.early, c)
	}
}

func (r *recorder) Cgroup(c event.Cgroup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cgroups = append(r.cgroups, c)
}

func (r *recorder) Tick(time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
}

// take returns what was recorded since the last time, of one class.
func (r *recorder) take(class event.Class) []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []event.Event
	for _, e := range r.events {
		if e.Class == class {
			out = append(out, e)
		}
	}
	r.events = slices.DeleteFunc(r.events, func(e event.Event) bool { return e.Class == class })
	return out
}

// settle waits until all that happened before has been read.
func (r *recorder) settle() {
	r.mu.Lock()
	was := r.ticks
	r.mu.Unlock()
	for {
		time.Sleep(10 * time.Millisecond)
		r.mu.Lock()
		now := r.ticks
		r.mu.Unlock()
		if now >= was+2 {
			return
		}
	}
}

// A reporting is a sensor that reports into a recorder.
type reporting struct {
	*Sensor
	*recorder
}

// allRecords is the report of everything.
func allRecords() Report {
	r := Report{Rings: [Priorities]uint32{1 << 20, 8 << 20, 8 << 20}, FailedOpens: true, MissingExecs: true}
	for c := range r.Classes {
		r.Classes[c] = true
	}
	return r
}

// only is one class of all.
func only(class event.Class) (classes [event.KernelClasses]bool) {
	classes[class] = true
	return classes
}

// report reads the records of s until the test ends.
func (s *Sensor) report(t *testing.T) *reporting {
	t.Helper()
	fatal(t, s.Reports())
	r, stop := s.record()
	t.Cleanup(func() { fatal(t, stop()) })
	return r
}

// record reads the records of s until it is told to stop.
func (s *Sensor) record() (*reporting, func() error) {
	r, done := &reporting{s, &recorder{}}, make(chan error, 1)
	go func() { done <- r.Read(r.recorder) }()
	return r, func() error { r.Stop(); return <-done }
}

// reported gives a sensor like opened does, and reads its records.
func reported(options func() Options) func(*testing.T) *reporting {
	s := once(func() *Sensor { return Open(options()) })
	r := sync.OnceValue(func() *reporting {
		r, stop := s().record()
		atEnd = append(atEnd, stop)
		return r
	})
	return func(t *testing.T) *reporting {
		t.Helper()
		needRoot(t)
		mustServe(t, s().Hooks())
		fatal(t, s().Reports())
		return r()
	}
}

// during returns what was reported of a class while do ran. The ledger must balance.
func (r *reporting) during(t *testing.T, class event.Class, do func()) []event.Event {
	t.Helper()
	r.settle()
	r.take(class)
	before, err := r.Ledger()
	fatal(t, err)
	do()
	r.settle()
	got := r.take(class)
	after, err := r.Ledger()
	fatal(t, err)
	n := func(o event.Outcome) uint64 { return after[class][o] - before[class][o] }
	if seen := n(event.Filtered) + n(event.Sampled) + n(event.LostRing) + uint64(len(got)); seen != n(event.Observed) {
		t.Errorf("%s: observed %d, filtered %d, sampled %d, lost %d, read %d",
			class, n(event.Observed), n(event.Filtered), n(event.Sampled), n(event.LostRing), len(got))
	}
	return got
}
