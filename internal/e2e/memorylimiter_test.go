//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
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
	load := r.begin("openEach", filepath.Dir(r.watched))
	eventually(t, "records that are refused", func() bool { return strings.Contains(r.output.String(), "Refusing data") })
	was := r.observedOpens()
	eventually(t, "opens that the receiver keeps", func() bool { return r.observedOpens() >= was+1000 })
	opens := load.did()["file_open"]
	own, err := get(r.own)
	fatal(t, err)
	refused, _ := value(own, "otelcol_processor_memory_limiter_refused_log_records")
	t.Logf("of %d opens the pipeline has taken %d; memory_limiter has refused records %.0f times, the consumer batches %d times",
		opens, r.reportedOpens(), refused, r.consumer.answered(http.StatusServiceUnavailable))
	if refused == 0 || r.reportedOpens() >= opens {
		t.Error("nothing is refused")
	}
	r.consumer.from(takes)
	l := r.settledTo(opens, 1)
	var a arrivals
	eventually(t, "all opens", func() bool {
		a = r.consumer.arrived()
		return a.classes["file_open"] >= opens
	})
	t.Logf("the ledger:\n%s", l.table(&a))
	if l.lost("file_open")+l.lost("exec") > 0 || len(a.gaps) > 0 {
		t.Error("some were lost")
	}
	for n := range opens {
		if times := a.paths[r.numbered(n)]; times != 1 {
			t.Errorf("%d records of open %d", times, n)
		}
	}
	r.stop(t)
}

func (r *rig) observedOpens() uint64 { return readLedger(r.page()).of("file_open", "observed") }
