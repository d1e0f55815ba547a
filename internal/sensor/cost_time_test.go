//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkInterleaved shows what the programs of this kernel add in
// nanoseconds: turn and turn about nothing attached and a sensor, and of the
// turns the medians, as clocks and neighbours of a machine change.
func BenchmarkInterleaved(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const turns = 9
	dir := b.TempDir()
	work := operations(b, dir)
	for _, way := range []string{"counters", "default", "all", "fallback"} {
		without, with := make(map[string][]float64), make(map[string][]float64)
		for range turns {
			for _, op := range work {
				without[op.name] = append(without[op.name], typical(op.do))
			}
			stop := startSensor(b, way, watchedFile)
			for _, op := range work {
				with[op.name] = append(with[op.name], typical(op.do))
			}
			stop()
		}
		for _, op := range work {
			b.Run(way+"/"+op.name, func(b *testing.B) {
				for b.Loop() {
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(without[op.name]), "without-ns/op")
				b.ReportMetric(median(with[op.name]), "with-ns/op")
			})
		}
	}
}

// typical is the median nanoseconds of one run of do, in a twentieth of a second. It stays on one CPU: a new
// process that starts on another takes another time.
func typical(do func()) float64 {
	onCPU(0)
	defer onCPU(-1)
	do()
	var batches []float64
	const batch = 10
	for end := time.Now().Add(50 * time.Millisecond); len(batches) < 3 || time.Now().Before(end); {
		start := time.Now()
		for range batch {
			do()
		}
		batches = append(batches, float64(time.Since(start))/batch)
	}
	return median(batches)
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
