package receiver

import (
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sample"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// A reader makes records from what the sensor reads. Its methods never block
// and belong to the goroutine that reads.
type reader struct {
	logger     *zap.Logger
	table      people
	tally      *tally
	tops       *tops
	containers containerFilter
	sequences  *sequences
	gaps       *gaps
	sampler    *sample.Sampler
	ledger     func() (event.Ledger, error)
	writer     writer
	gatherers  *[sensor.Priorities]gatherer

	now    time.Time // of the last tick, when what is read now was there
	looked time.Time // at the ledger
	failed bool      // to look, or to set a rate, the last time
}

// people is what a reader wants of a process table.
type people interface {
	Cgroup(event.Cgroup)
	Exec(*event.Event)
	Describe(*event.Actor) *process.Process
}

// Event makes a record of an event.
func (r *reader) Event(e *event.Event) {
	r.sequences.see(e)
	if ran(e) {
		r.table.Exec(e)
	}
	p := r.table.Describe(&e.Actor)
	if !r.containers.pass(p.ContainerID) {
		r.tally.add(e.Class, event.Filtered, 1)
		return
	}
	r.tops.see(e)
	now := r.now
	g := &r.gatherers[priorityOf(e)]
	record := g.begin(now, resource{p.ContainerID, p.PodUID})
	g.end(now, e.Class, r.writer.write(record, e, p, now))
}

// Cgroup remembers the name of a cgroup.
func (r *reader) Cgroup(c event.Cgroup) { r.table.Cgroup(c) }

// Tick takes the time, hands on a batch that is old enough, and looks for losses once a second.
func (r *reader) Tick(now time.Time) {
	r.now = now
	if now.Sub(r.looked) >= time.Second {
		r.looked = now
		r.look(now)
	}
	for lane := range r.gatherers {
		r.gatherers[lane].flushOld(now)
	}
}

// end hands on the last batch. What was lost until now is told in it.
func (r *reader) end(now time.Time) {
	r.look(now)
	for lane := range r.gatherers {
		r.gatherers[lane].flush()
	}
}

// look adapts the sampling to how much passes, and tells of losses.
func (r *reader) look(now time.Time) {
	l, err := r.ledger()
	if err == nil {
		var passed [event.Classes]uint64
		for c, n := range l {
			passed[c] = n[event.Observed] - n[event.Filtered] - n[event.Sampled]
		}
		err = r.sampler.Observe(now, passed)
		r.tally.addTo(&l)
		r.tell(now, &l)
	}
	if failed := err != nil; failed != r.failed {
		r.failed = failed
		if failed {
			r.logger.Warn("The sampling of events does not adapt", zap.Stringer("reason", reason{err}))
		}
	}
}

// tell makes a record of each gap.
func (r *reader) tell(now time.Time, l *event.Ledger) {
	for _, g := range r.gaps.tell(now, l) {
		if g.reason == event.LostRing {
			r.sequences.narrow(&g)
		}
		to := &r.gatherers[sensor.High]
		to.endGap(now, g, r.writer.gap(to.begin(now, resource{}), g, now))
	}
}

// A containerFilter passes or keeps out what happens in containers, by the
// beginnings of their ids. What happens in none is of the "host".
type containerFilter struct{ exclude, only []Container }

func (f containerFilter) pass(id string) bool {
	return !anyOf(f.exclude, id) && (len(f.only) == 0 || anyOf(f.only, id))
}

func anyOf(list []Container, id string) bool {
	for _, c := range list {
		if c == hostContainer && id == "" || c != hostContainer && strings.HasPrefix(id, string(c)) {
			return true
		}
	}
	return false
}
