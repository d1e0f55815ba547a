//go:build e2e

package e2e

import (
	"os"
	"slices"
	"testing"
	"time"
)

// TestSoak does a bit of everything, while the consumer takes it as consumers
// do, for as long as E2E_SOAK says: whenever it is quiet the ledger balances and
// nothing is missing, and in the end the collector takes no more than after a while.
func TestSoak(t *testing.T) {
	length := 30 * time.Second
	if text := os.Getenv("E2E_SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		fatal(t, err)
	}
	r := newRig(t, "classes: {connect: true, accept: true, close: true}")
	var d done
	var memory []float64
	files := r.files()
	begun := time.Now()
	for round := 0; time.Since(begun) < length || len(memory) < 6; round++ {
		restore := r.consumer.misbehave(round)
		d.add(r, 50_000, 500, 20)
		connects := r.do("connect", "200")
		d.loads++
		restore()
		page, l, a := r.settled()
		r.sameCounts(page, &d)
		r.nothingMissing(&d, &a)
		if got := l.of("connect", "observed"); got < connects["connect"] {
			r.Errorf("%d connections were observed, and %d made", got, connects["connect"])
		}
		now, _ := r.memory()
		memory = append(memory, now)
	}
	early, late := memory[:len(memory)/2], memory[len(memory)/2:]
	t.Logf("%d rounds in %s: resident at most %.0f MB in the first half, %.0f MB in the second; %d open files, and %d at the start",
		len(memory), time.Since(begun).Round(time.Second), slices.Max(early), slices.Max(late), r.files(), files)
	// What is not given back shows in the least: the most depends on when Go collects garbage.
	if slices.Min(late) > 1.2*slices.Min(early) {
		t.Errorf("the memory grows: %.0f MB", memory)
	}
	eventually(t, "no more open files than at the start", func() bool { return r.files() <= files })
	r.stop(t)
}

// misbehave has the sink answer in another way each time, until it is restored.
func (c *sink) misbehave(round int) (restore func()) {
	blocked, release := blocks()
	c.t.Cleanup(release)
	ways := []func() int{takes, slowly(20 * time.Millisecond), busy, blocked}
	c.from(ways[round%len(ways)])
	return func() {
		c.from(takes)
		release()
	}
}
