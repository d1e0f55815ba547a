//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"testing"
)

// TestConsumerFails in each way in turn, and takes everything again.
func TestConsumerFails(t *testing.T) {
	r := newRig(t, "queue::batches: 8", "sampling::events_per_second: 0", "retry::max_interval: 500ms")
	t.Run("is busy", func(t *testing.T) { r.on(t).busy() })
	t.Run("refuses", func(t *testing.T) { r.on(t).refused() })
	t.Run("blocks", func(t *testing.T) { r.on(t).blocked() })
	r.stop(t)
}

// on has a subtest fail in place of the test.
func (r *rig) on(t *testing.T) *rig {
	sub := *r
	sub.T = t
	return &sub
}

// busy: what the consumer does not take now it takes later, once.
func (r *rig) busy() {
	r.Helper()
	r.consumer.from(busy)
	did := r.do("open", r.watched, "5000")
	eventually(r.T, "that it was tried again and again", func() bool { return r.consumer.answered(http.StatusServiceUnavailable) >= 5 })
	r.consumer.from(takes)
	_, l, a := r.settled()
	if n := a.paths[r.watched]; n != did["file_open"] {
		r.Errorf("%d records of %d opens", n, did["file_open"])
	}
	if lost := l.lost("file_open"); lost > 0 {
		r.Errorf("%d were lost", lost)
	}
}

// refused: what the consumer refuses for good is not tried again. The gap is
// told when it takes records again.
func (r *rig) refused() {
	r.Helper()
	r.consumer.from(refuses)
	was := r.consumer.arrived()
	did := r.do("open", r.watched, "3000")
	eventually(r.T, "as many opens refused", func() bool { return readLedger(r.page()).of("file_open", "refused") >= did["file_open"] })
	r.consumer.from(takes)
	_, l, a := r.settled()
	if n := l.of("file_open", "refused"); n != did["file_open"] {
		r.Errorf("%d of %d opens are refused", n, did["file_open"])
	}
	if n := a.paths[r.watched] - was.paths[r.watched]; n > 0 {
		r.Errorf("%d records of refused opens arrived", n)
	}
}

// blocked: while the consumer says nothing the queue fills and overflows. The
// counters are there all the time, and nothing of high priority is lost.
func (r *rig) blocked() {
	r.Helper()
	blocked, release := blocks()
	r.Cleanup(release)
	r.consumer.from(blocked)
	was, before := r.consumer.arrived(), readLedger(r.page())
	did := r.do("open", r.watched, "40000")
	load := r.begin("prioritize", filepath.Join(r.dir, "mnt"), "100")
	d := done{prioritized: []map[string]uint64{load.did()}, prioritizers: []int64{int64(load.Process.Pid)}}
	eventually(r.T, "a queue that overflows", func() bool { return readLedger(r.page()).of("file_open", "lost_batch") > 0 })
	release()
	_, l, a := r.settled()
	r.nothingMissing(&d, &a)
	lost := l.lost("file_open") - before.lost("file_open")
	if n := a.paths[r.watched] - was.paths[r.watched] + lost; n != did["file_open"] {
		r.Errorf("%d opens arrived or were lost, and %d were made", n, did["file_open"])
	}
}
