//go:build e2e

package e2e

import (
	"math"
	"testing"
	"time"
)

// TestSamplingRisesAndFalls: a flood is sampled and what is rare is not, the
// records stand for as many events as there were, and after the flood every
// event has a record again.
func TestSamplingRisesAndFalls(t *testing.T) {
	// The buffers have room for all that comes before sampling has begun.
	r := newRig(t, "sampling: {events_per_second: 100, max_rate: 32}", "rings: {low: 256MiB, normal: 64MiB}", "queue: {batches: 10000, max_bytes: 1024MiB}")
	var d done
	fallen := make(chan struct{})
	highest := make(chan float64)
	go func() { highest <- r.highestRate(fallen) }()
	sampled := func() bool {
		l := readLedger(r.page())
		return l.of("exec", "sampled") > 0 && l.of("file_open", "sampled") > 0
	}
	for n := 0; n < 10 && !sampled(); n++ {
		d.add(r, 200_000, 3_000, 100)
	}
	d.add(r, 200_000, 3_000, 300) // of which all is there although the rates are high now
	_, l, a := r.settled()
	r.nothingMissing(&d, &a)
	for _, class := range []string{"exec", "file_open"} {
		t.Logf("%s: a record stands for %d events at most", class, a.rates[class])
		if l.of(class, "sampled") == 0 || a.rates[class] < 2 {
			t.Errorf("class %s was not sampled", class)
		}
		r.standsForAll(class, l, &a)
	}
	for _, class := range []string{"privilege", "ptrace", "namespace", "mount", "bpf"} {
		if l.of(class, "sampled") > 0 || a.rates[class] != 1 {
			t.Errorf("class %s was sampled", class)
		}
	}
	eventually(t, "a sample rate of 1", func() bool { return r.rate() == 1 })
	close(fallen)
	rate := <-highest
	t.Logf("the sample rate rose to %.0f", rate)
	if rate < float64(a.rates["file_open"]) {
		t.Errorf("there is a record of a sample rate of %d", a.rates["file_open"])
	}

	before := a.paths[r.watched]
	did := r.do("open", r.watched, "1000")
	_, _, a = r.settled()
	if n := a.paths[r.watched] - before; n != did["file_open"] {
		t.Errorf("%d records of %d opens after the flood", n, did["file_open"])
	}
	r.stop(t)
}

// highestRate looks at the sample rate until it has fallen: at the end of a
// flood it may rise once more.
func (r *rig) highestRate(fallen chan struct{}) (highest float64) {
	for {
		highest = max(highest, r.rate())
		select {
		case <-fallen:
			return highest
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (r *rig) rate() float64 {
	rate, _ := value(r.page(), "security_ebpf_sample_rate")
	return rate
}

// standsForAll: each event was left out or not for itself, so the sum of what
// the records stand for is off by 5 standard deviations once in a million times.
func (r *rig) standsForAll(class string, l ledger, a *arrivals) {
	r.Helper()
	happened := float64(l.of(class, "observed") - l.of(class, "filtered"))
	most := 5 * math.Sqrt(happened*float64(a.rates[class]-1))
	r.Logf("%s: %d records stand for %d events, and there were %.0f ± %.0f", class, a.classes[class], a.stands[class], happened, most)
	if off := math.Abs(float64(a.stands[class]) - happened); off > most {
		r.Errorf("class %s is off by %.0f", class, off)
	}
	if lost := l.lost(class); lost > 0 {
		r.Errorf("class %s: %d were lost", class, lost)
	}
}
