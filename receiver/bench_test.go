package receiver

import (
	"testing"
	"time"
)

func BenchmarkRecord(b *testing.B) {
	p := sampleProcess()
	for name, e := range samples() {
		b.Run(name, func(b *testing.B) {
			g, full := collected(Batch{MaxRecords: 1000, MaxBytes: maxBatch, MaxAge: Interval(time.Hour)})
			w := writer{maxArgs: maxArgs}
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				g.end(now, e.Class, w.write(g.begin(now, resource{}), e, p, now))
				*full = (*full)[:0]
			}
		})
	}
}
