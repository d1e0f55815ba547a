//go:build e2e

package e2e

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver"
)

// A faulty pipeline panics at every other batch, and takes the others.
type faulty struct {
	mu      sync.Mutex
	batches int
	arrivals
	ledger ledger
}

func (f *faulty) takeLogs(_ context.Context, logs plog.Logs) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches++
	if f.batches%2 == 0 {
		panic("the pipeline is faulty")
	}
	f.take(logs)
	return nil
}

func (f *faulty) takeMetrics(_ context.Context, metrics pmetric.Metrics) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ledger = ledgerOf(metrics)
	return nil
}

// TestPipelinePanics with the receiver in this process: no part of the
// distribution panics.
func TestPipelinePanics(t *testing.T) {
	r, f := newLoads(t), &faulty{arrivals: newArrivals()}
	f.start(t, r.dir)
	did := r.do("open", r.watched, "20000")
	now := time.Now()
	eventually(t, "a ledger that balances", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.ledger.at.After(now) && f.ledger.balances() && f.ledger.agrees(&f.arrivals)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Logf("the ledger:\n%s", f.ledger.table(&f.arrivals))
	refused := f.ledger.of("file_open", "refused")
	if n := f.paths[r.watched]; n == 0 || refused == 0 || n+refused != did["file_open"] {
		t.Errorf("%d records, and %d refused, of %d opens", n, refused, did["file_open"])
	}
}

// start has the receiver watch what the programs in dir do.
func (f *faulty) start(t *testing.T, dir string) {
	t.Helper()
	factory := receiver.NewFactory()
	cfg := factory.CreateDefaultConfig().(*receiver.Config)
	cfg.Controller.CollectionInterval, cfg.Controller.InitialDelay = 500*time.Millisecond, 0
	cfg.Probes = receiver.Probes{Process: receiver.Probe{Enabled: true}, File: receiver.Probe{Enabled: true}}
	cfg.File.Watch = receiver.WatchList{{Path: receiver.WatchPath(filepath.Join(dir, "watched") + "/"), Severity: "critical"}}
	cfg.Events.Only.Executables = []receiver.FilePath{receiver.FilePath(dir + "/")}
	cfg.Events.Batch.MaxAge = receiver.Interval(200 * time.Millisecond)
	cfg.Events.Sampling.EventsPerSecond = 0
	logs, err := consumer.NewLogs(f.takeLogs)
	fatal(t, err)
	metrics, err := consumer.NewMetrics(f.takeMetrics)
	fatal(t, err)
	set := receivertest.NewNopSettings(factory.Type())
	ofLogs, err := factory.CreateLogs(t.Context(), set, cfg, logs)
	fatal(t, err)
	ofMetrics, err := factory.CreateMetrics(t.Context(), set, cfg, metrics)
	fatal(t, err)
	for _, c := range []component.Component{ofMetrics, ofLogs} {
		fatal(t, c.Start(t.Context(), componenttest.NewNopHost()))
		t.Cleanup(func() { fatal(t, c.Shutdown(context.Background())) })
	}
}
