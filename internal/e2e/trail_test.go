//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A trail is what arrived at the end of the way. A record that is there again, the
// same in all, was sent again.
type trail struct {
	arrivals // each record once
	again    uint64
	runs     map[string]uint64 // by the number that the program was given
	opened   []opened          // in the order of arrival
	hosts    map[string]uint64 // records of which host,
	sites    map[string]uint64 // and of which site

	t    *testing.T
	seen map[[sha256.Size]byte]bool
	read int // bytes
}

// An opened file, and when the kernel says that it was.
type opened struct {
	path string
	at   time.Time
}

func newTrail(t *testing.T) *trail {
	return &trail{
		arrivals: newArrivals(), runs: make(map[string]uint64), hosts: make(map[string]uint64), sites: make(map[string]uint64),
		t: t, seen: make(map[[sha256.Size]byte]bool),
	}
}

// follow reads what came to a file of lines of OTLP in JSON since it was read last.
func (tr *trail) follow(path string) {
	tr.t.Helper()
	for line := range bytes.Lines(tr.rest(path)) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return
		}
		tr.read += len(line)
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		fatal(tr.t, err)
		tr.take(logs)
	}
}

func (tr *trail) rest(path string) []byte {
	tr.t.Helper()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	fatal(tr.t, err)
	defer func() { _ = file.Close() }()
	_, err = file.Seek(int64(tr.read), io.SeekStart)
	fatal(tr.t, err)
	rest, err := io.ReadAll(file)
	fatal(tr.t, err)
	return rest
}

func (tr *trail) take(logs plog.Logs) {
	for _, rl := range logs.ResourceLogs().All() {
		of := rl.Resource().Attributes()
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				tr.see(of, r)
			}
		}
	}
}

func (tr *trail) see(of pcommon.Map, r plog.LogRecord) {
	id := fingerprint(tr.t, r)
	if tr.seen[id] {
		tr.again++
		return
	}
	tr.seen[id] = true
	tr.arrivals.see(r)
	tr.hosts[text(of, "host.name")]++
	tr.sites[text(of, "deployment.environment.name")]++
	switch r.EventName() {
	case "ebpfsecurity.process.exec":
		if args, ok := r.Attributes().Get("process.command_args"); ok && args.Slice().Len() > 1 {
			tr.runs[args.Slice().At(1).Str()]++
		}
	case "ebpfsecurity.file.open":
		tr.opened = append(tr.opened, opened{text(r.Attributes(), "file.path"), r.Timestamp().AsTime()})
	}
}

// fingerprint is the same for records that are the same in all: no two events
// have the same process and the same nanosecond.
func fingerprint(t *testing.T, r plog.LogRecord) [sha256.Size]byte {
	t.Helper()
	alone := plog.NewLogs()
	r.CopyTo(alone.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
	encoded, err := (&plog.ProtoMarshaler{}).MarshalLogs(alone)
	fatal(t, err)
	return sha256.Sum256(encoded)
}

// plus is the ledger of two receivers, one after the other.
func (l ledger) plus(other ledger) ledger {
	sum := ledger{classes: make(map[string]map[string]uint64), at: other.at}
	for _, part := range []ledger{l, other} {
		for class, outcomes := range part.classes {
			for outcome, n := range outcomes {
				sum.add(class, outcome, sum.of(class, outcome)+n, other.at)
			}
		}
	}
	return sum
}

// ledgerOf finds the ledger in what a collection gave.
func ledgerOf(metrics pmetric.Metrics) ledger {
	l := ledger{classes: make(map[string]map[string]uint64)}
	for _, rm := range metrics.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() == "security.ebpf.events" {
					l.read(m)
				}
			}
		}
	}
	return l
}

func (l *ledger) read(m pmetric.Metric) {
	for _, p := range m.Sum().DataPoints().All() {
		l.add(text(p.Attributes(), "class"), text(p.Attributes(), "outcome"), uint64(p.IntValue()), p.Timestamp().AsTime())
	}
}

// agrees tells whether each open and each execution that the ledger calls
// reported is there, and none that it does not.
func (tr *trail) agrees(l ledger) bool {
	return tr.classes["file_open"] == l.of("file_open", "reported") && tr.classes["exec"] == l.of("exec", "reported")
}

// hasEach compares what arrived with what was done: files from 0 on that were
// opened once, and programs that were given the numbers from 0 on.
func (tr *trail) hasEach(r *rig, opens, execs uint64) {
	tr.t.Helper()
	tr.t.Logf("%d opens and %d executions arrived, of %d and %d; %d records were sent again; hosts: %v",
		tr.classes["file_open"], tr.classes["exec"], opens, execs, tr.again, tr.hosts)
	for n := range opens {
		if times := tr.paths[r.numbered(n)]; times != 1 {
			tr.t.Errorf("%d records of open %d", times, n)
		}
	}
	for n := range execs {
		if times := tr.runs[strconv.FormatUint(n, 10)]; times != 1 {
			tr.t.Errorf("%d records of execution %d", times, n)
		}
	}
	if len(tr.gaps) > 0 {
		tr.t.Errorf("there are gaps: %v", tr.gaps)
	}
	host, err := os.Hostname()
	fatal(tr.t, err)
	if tr.hosts[host] == 0 || len(tr.hosts) > 1 {
		tr.t.Errorf("records of %v, and not of %s alone", tr.hosts, host)
	}
}
