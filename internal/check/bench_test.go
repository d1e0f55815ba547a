package check

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkChecks runs each check alone, on this machine.
func BenchmarkChecks(b *testing.B) {
	root := machine(b)
	for _, c := range All() {
		b.Run(c.ID, func(b *testing.B) {
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				c.look(b.Context(), NewHost(root, DefaultOptions()))
			}
		})
	}
}

// BenchmarkRun runs all checks of a pace, on this machine.
func BenchmarkRun(b *testing.B) {
	for name, pace := range map[string]Pace{"normal": Normal, "slow": Slow} {
		b.Run(name, func(b *testing.B) {
			r := newRunner(All(), machine(b), DefaultOptions(), Prepare, nil)
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				r.runAll(b.Context(), pace)
			}
		})
	}
}

func machine(b *testing.B) *Root {
	b.Helper()
	root, err := OpenRoot("/")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = root.Close() })
	return root
}

// reportCPU reports the processor's time per run from now to when what it
// returns is called.
func reportCPU(b *testing.B) func() {
	b.Helper()
	before := usedCPU(b)
	return func() { b.ReportMetric((usedCPU(b)-before).Seconds()/float64(b.N), "cpu-s/run") }
}

func usedCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
