//go:build e2e

package e2e

import (
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
)

// TestKafkaGetsOTLP: in each encoding all that the ledger calls reported.
func TestKafkaGetsOTLP(t *testing.T) {
	for encoding, unmarshaler := range map[string]plog.Unmarshaler{
		"otlp_json": &plog.JSONUnmarshaler{}, "otlp_proto": &plog.ProtoUnmarshaler{},
	} {
		t.Run(encoding, func(t *testing.T) {
			o := newOutlet(t, "kafka-otlp.yaml", readOTLP(unmarshaler), "KAFKA_ENCODING="+encoding)
			o.prime()
			d := done{execs: primed}
			d.add(o.rig, 3000, 500, 20)
			big := o.runBig()
			l := o.reported()
			messages, a := o.delivered(l)
			for _, c := range []struct {
				what      string
				got, want uint64
			}{
				{"executions", a.execs[execution{o.runs, "container"}], d.execs + big.runs},
				{"suspicious executions", a.execs[execution{o.dropped, "suspicious"}], d.suspicious},
				{"all executions", a.classes["exec"], d.execs + d.suspicious + big.runs},
				{"opens", a.paths[o.watched], d.opens},
				{"opens by a suspicious program", a.paths[o.secret], d.secrets},
			} {
				t.Logf("%s: %d records, made %d", c.what, c.got, c.want)
				if c.got != c.want {
					t.Errorf("%s: %d records, made %d", c.what, c.got, c.want)
				}
			}
			o.fitting(messages)
			o.stop(t)
		})
	}
}

// readOTLP counts records that name the host.
func readOTLP(unmarshaler plog.Unmarshaler) func(*arrivals, []byte) error {
	return func(a *arrivals, message []byte) error {
		logs, err := unmarshaler.UnmarshalLogs(message)
		if err != nil {
			return err
		}
		for _, rl := range logs.ResourceLogs().All() {
			if text(rl.Resource().Attributes(), "host.name") == "" {
				return errors.New("no host.name")
			}
		}
		a.take(logs)
		return nil
	}
}

// fitting: brokers take no message above 1 MB, and the exporter gave none up.
func (o *outlet) fitting(messages [][]byte) {
	o.Helper()
	const limit = 1_000_000
	if n := largest(messages); n > limit {
		o.Errorf("a message of %d bytes", n)
	}
	own, err := get(o.own)
	fatal(o, err)
	sent, _ := value(own, "otelcol_exporter_sent_log_records")
	failed, _ := value(own, "otelcol_exporter_send_failed_log_records")
	if sent == 0 || failed > 0 {
		o.Errorf("%.0f records were sent and %.0f given up", sent, failed)
	}
	if strings.Contains(o.output.String(), "exceeds max message size") {
		o.Error("a message was too large")
	}
}
