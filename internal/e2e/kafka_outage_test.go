//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// TestKafkaOutage: while the broker is down, the collector ends and starts again.
// All that was reported then is in the topic when the broker is back, once.
func TestKafkaOutage(t *testing.T) {
	const example, soon = "kafka-otlp.yaml", "yaml:exporters::kafka::retry_on_failure::max_interval: 2s"
	o := newOutlet(t, example, readOTLP(&plog.JSONUnmarshaler{}), "KAFKA_ACKS=1", soon)
	o.prime()
	numbered := make(map[string]uint64) // files opened, by directory
	var ended []ledger                  // of collectors
	for _, outage := range []struct {
		name string
		end  func()
		acks string // of the next collector
	}{
		{"the collector is stopped", func() { o.stop(t) }, "all"},
		{"the collector is killed", o.kill, "1"}, // it would not end: see the example
	} {
		o.openNumbered(numbered)
		o.delivered(sum(append(ended, o.reported())...))
		o.kafka.stop()
		o.openNumbered(numbered)
		ended = append(ended, o.reported())
		outage.end()
		o.run(example, "KAFKA_ACKS="+outage.acks, soon)
		o.openNumbered(numbered)
		l := o.reported()
		begun := time.Now()
		o.kafka.start()
		_, a := o.delivered(sum(append(ended, l)...))
		t.Logf("%s: all was there %.0f s after the broker was", outage.name, time.Since(begun).Seconds())
		o.eachOnce(&a, numbered)
	}
	o.stop(t)
}

// openNumbered opens files of other names each time, in a directory of their own.
func (o *outlet) openNumbered(numbered map[string]uint64) {
	o.Helper()
	dir := filepath.Join(filepath.Dir(o.watched), fmt.Sprint(len(numbered)))
	fatal(o, os.Mkdir(dir, 0o755))
	l := o.begin("openEach", dir)
	before := readLedger(o.page()).of("file_open", "observed")
	eventually(o.T, "1000 more opens", func() bool { return readLedger(o.page()).of("file_open", "observed") >= before+1000 })
	numbered[dir] = l.did()["file_open"]
}

// eachOnce finds each open of a numbered file, and no other.
func (o *outlet) eachOnce(a *arrivals, numbered map[string]uint64) {
	o.Helper()
	var n uint64
	for dir, opens := range numbered {
		n += opens
		for i := range opens {
			if times := a.paths[filepath.Join(dir, fmt.Sprint(i))]; times != 1 {
				o.Errorf("%d records of open %d in %s", times, i, filepath.Base(dir))
			}
		}
	}
	o.Logf("%d opens, %d records", n, a.classes["file_open"])
	if a.classes["file_open"] != n {
		o.Errorf("%d records of %d opens", a.classes["file_open"], n)
	}
}

// kill ends the collector without its doing.
func (o *outlet) kill() {
	o.Helper()
	fatal(o, o.cmd.Process.Kill())
	<-o.ended
}

// sum is the ledger of some collectors together.
func sum(ledgers ...ledger) ledger {
	all := ledger{classes: make(map[string]map[string]uint64)}
	for _, l := range ledgers {
		for class, outcomes := range l.classes {
			for outcome, n := range outcomes {
				all.add(class, outcome, all.of(class, outcome)+n, l.at)
			}
		}
	}
	return all
}
