//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// TestOverload does as much as this machine can, thrice, while the consumer is
// slow: every event is accounted for, what must not be missing is there, and it
// takes no more memory the third time than the first.
func TestOverload(t *testing.T) {
	r := newRig(t)
	r.consumer.from(slowly(100 * time.Millisecond))
	idle, _ := r.memory()
	var d done
	var peaks []float64
	for range 3 {
		r.forgetPeak()
		d.add(r, 400_000, 4_000, 50)
		page, l, a := r.settled()
		_, peak := r.memory()
		peaks = append(peaks, peak)
		r.sameCounts(page, &d, &a)
		r.nothingMissing(&d, &a)
		if l.lost("file_open") == 0 || l.of("file_open", "sampled") == 0 {
			t.Error("nothing was lost, or nothing was sampled: this is no overload")
		}
	}
	t.Logf("resident: %.0f MB idle, at most %.0f MB", idle, peaks)
	if peaks[2] > 1.2*peaks[0] {
		t.Error("the memory grows")
	}
	r.stop(t)
}

// TestSmallRing: what the buffer between the kernel and the receiver has no room
// for is lost, counted and told.
func TestSmallRing(t *testing.T) {
	r := newRig(t, "rings::low: 4KiB", "sampling::events_per_second: 0")
	did := r.do("open", r.watched, "50000")
	_, l, a := r.settled()
	if l.of("file_open", "lost_ring") == 0 {
		t.Error("nothing was lost")
	}
	if n := l.of("file_open", "lost_ring") + a.paths[r.watched]; n != did["file_open"] {
		t.Errorf("%d opens arrived or were lost, and %d were made", n, did["file_open"])
	}
	r.stop(t)
}
