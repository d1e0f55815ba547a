//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
)

// TestNothingIsLostOverOTLP: events and metrics go to a second collector. That one
// ends while there are events, the first one is started again, there are more
// events, and only then the second one is back.
func TestNothingIsLostOverOTLP(t *testing.T) {
	t.Run("gRPC", func(t *testing.T) {
		outage(t, "otlp_grpc", func(tl *tail) string { return tl.grpc }, func(r *rig) { r.stop(r.T) })
	})
	t.Run("HTTP", func(t *testing.T) {
		outage(t, "otlp_http", func(tl *tail) string { return "https://" + tl.http }, (*rig).crash)
	})
}

func outage(t *testing.T, exporter string, endpoint func(*tail) string, end func(*rig)) {
	r, certs := newLoads(t), newCertificates(t)
	tl := newTail(t, certs)
	env := append(certs.client(), "OTLP_EXPORTER="+exporter, "OTLP_ENDPOINT="+endpoint(tl), "OTLP_QUEUE_DIR="+filepath.Join(r.dir, "queue"))
	soon := "yaml:exporters::" + exporter + "::retry_on_failure::max_interval: 2s"
	r.watch(env, "examples/otlp.yaml", soon)
	load := r.begin("openEach", filepath.Dir(r.watched))
	eventually(t, "opens that arrive", func() bool { return tl.arrived().classes["file_open"] >= 2000 })
	tl.stop(t)
	was := r.reportedOpens()
	eventually(t, "opens that wait", func() bool { return r.reportedOpens() >= was+2000 })
	opens := load.did()["file_open"]
	execs := r.do("runEach", r.runs, "0", "300")["exec"]
	before := r.settledTo(opens, execs+2) // the loads themselves

	end(r)
	r.watch(env, "examples/otlp.yaml", soon)
	execs += r.do("runEach", r.runs, "300", "300")["exec"]
	r.settledTo(0, 300+1)
	t.Logf("while nobody takes them: %q", lines(t, r.own, "otelcol_exporter_queue_size"))

	tl.start()
	var after ledger
	eventually(t, "as many records as were reported", func() bool {
		after = readLedger(r.page())
		return tl.arrived().agrees(before.plus(after))
	})
	total := before.plus(after)
	t.Logf("the ledger of both:\n%s", total.table(&tl.arrivals))
	if lost := total.lost("file_open") + total.lost("exec"); lost > 0 {
		t.Errorf("%d were lost", lost)
	}
	tl.hasEach(r, opens, execs)
	own, err := get(r.own)
	fatal(t, err)
	sent, _ := value(own, "otelcol_exporter_sent_log_records")
	failed, _ := value(own, "otelcol_exporter_send_failed_log_records")
	t.Logf("the exporter sent %.0f log records, and gave %.0f up", sent, failed)
	if sent == 0 || failed > 0 {
		t.Error("it gave some up, or does not tell")
	}
	eventually(t, "the ledger among the metrics that arrive", func() bool { return tl.ledger().of("exec", "reported") >= 301 })
	t.Logf("at %s reported %d executions: metrics arrive", tl.ledger().at, tl.ledger().of("exec", "reported"))
	r.stop(t)
}

func (r *rig) reportedOpens() uint64 { return readLedger(r.page()).of("file_open", "reported") }

// crash ends the collector without its doing.
func (r *rig) crash() {
	r.Helper()
	fatal(r, r.cmd.Process.Kill())
	<-r.ended
}
