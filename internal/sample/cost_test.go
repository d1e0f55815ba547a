package sample

import (
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// BenchmarkSampler is one look at all classes under a load that asks for another rate each time.
func BenchmarkSampler(b *testing.B) {
	s := New(Options{Target: 1000, Interval: time.Second}, func(event.Class, uint32) error { return nil })
	var passed [event.Classes]uint64
	now := time.Unix(0, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Second)
		for c := range passed {
			passed[c] += uint64(500 + i%2*100_000)
		}
		if err := s.Observe(now, passed); err != nil {
			b.Fatal(err)
		}
	}
}
