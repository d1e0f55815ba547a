//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"testing"
)

// TestMemoryLimiterRefuses: while nobody takes the records they fill the memory,
// until memory_limiter refuses more. The receiver keeps those, and when there is
// room again all of them arrive, once.
func TestMemoryLimiterRefuses(t *testing.T) {
	r := newLoads(t)
	r.consumer = newSink(t)
	r.consumer.from(busy)
	r.watch([]string{
		"OTLP_EXPORTER=otlp_http", "OTLP_ENDPOINT=" + r.consumer.URL, "MEMORY_LIMIT_MIB=90",
		"OTLP_QUEUE_DIR=" + filepath.Join(r.dir, "queue"),
	}, "examples/otlp.yaml",
		// In place of the disk, which takes no memory.
		"yaml:exporters::otlp_http::sending_queue::storage: null",
		"yaml:exporters::otlp_http::compression: none",
		"yaml:exporters::otlp_http::retry_on_failure::max_interval: 1s",
		"yaml:processors::memory_limiter::check_interval: 100ms",
		"yaml:service::pipelines::metrics::exporters: [debug]",
		"yaml:exporters::debug: null",
	)
	execs, loads := uint64(0), uint64(0)
	run := func() {
		execs += r.do("runEach", r.runs, "0", "100", "16000")["exec"]
		loads++
	}
	refused := 0.0
	eventually(t, "records that are refused again and again", func() bool {
		// What the receiver keeps meanwhile must fit in its queue.
		if execs+loads < readLedger(r.page()).of("exec", "reported")+300 {
			run()
		}
		own, err := get(r.own)
		fatal(t, err)
		refused, _ = value(own, "otelcol_processor_memory_limiter_refused_log_records")
		return refused >= 300
	})
	t.Logf("of %d executions the pipeline has taken %d; memory_limiter has refused records %.0f times, the consumer batches %d times",
		execs, readLedger(r.page()).of("exec", "reported"), refused, r.consumer.answered(http.StatusServiceUnavailable))

	r.consumer.from(takes)
	l := r.settledTo(0, execs+loads)
	var a arrivals
	eventually(t, "all executions", func() bool {
		a = r.consumer.arrived()
		return a.classes["exec"] >= execs+loads
	})
	t.Logf("the ledger:\n%s", l.table(&a))
	if l.lost("exec") > 0 || len(a.gaps) > 0 {
		t.Error("some were lost")
	}
	if n := a.execs[execution{r.runs, "container"}]; n != execs {
		t.Errorf("%d records of %d executions", n, execs)
	}
	r.stop(t)
}
