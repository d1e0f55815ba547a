//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"
)

// TestOverload does as much as this machine can, thrice, while the consumer is
// slow: every event is accounted for, what must not be missing is there, and it
// takes no more memory the third time than the first.
func TestOverload(t *testing.T) {
	r := newRig(t)
	r.consumer.from(slowly(250 * time.Millisecond))
	idle, _ := r.memory()
	var d done
	var peaks []float64
	for range 3 {
		r.forgetPeak()
		d.add(r, 400_000, 4_000, 50)
		page, l, a := r.settled()
		_, peak := r.memory()
		peaks = append(peaks, peak)
		r.sameCounts(page, &d)
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

// TestReaderStandsStill: what the buffer between the kernel and the receiver has
// no room for is counted, and told when it is read again.
func TestReaderStandsStill(t *testing.T) {
	r := newRig(t)
	fatal(t, r.cmd.Process.Signal(syscall.SIGSTOP))
	var d done
	d.add(r, 100_000, 100, 10)
	fatal(t, r.cmd.Process.Signal(syscall.SIGCONT))
	page, l, a := r.settled()
	r.sameCounts(page, &d)
	r.nothingMissing(&d, &a)
	if l.of("file_open", "lost_ring") == 0 {
		t.Error("the buffer was large enough")
	}
	arrived, lost := a.paths[r.watched], l.lost("file_open")
	if arrived+lost != d.opens {
		t.Errorf("%d opens arrived, %d were lost, and %d were made", arrived, lost, d.opens)
	}
	r.stop(t)
}
