package receiver

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A gap is events of a class that are missing among the records.
type gap struct {
	class      event.Class
	reason     event.Outcome
	count      uint64
	start, end time.Time
}

// losses are the outcomes that leave a gap.
func losses() [3]event.Outcome {
	return [...]event.Outcome{event.LostRing, event.LostBatch, event.Rejected}
}

// gaps remembers which losses were told.
type gaps struct {
	mu   sync.Mutex
	told event.Ledger
	// since is when nothing was missing.
	since [event.Classes][event.Outcomes]time.Time
}

func newGaps(now time.Time) *gaps {
	g := &gaps{}
	for c := range g.since {
		for o := range g.since[c] {
			g.since[c][o] = now
		}
	}
	return g
}

// tell returns what was lost since it was last told.
func (g *gaps) tell(now time.Time, l *event.Ledger) []gap {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []gap
	for c := range event.Classes {
		for _, o := range losses() {
			if have := l[c][o]; have > g.told[c][o] {
				list = append(list, gap{c, o, have - g.told[c][o], g.since[c][o], now})
				g.told[c][o] = have
			}
			g.since[c][o] = now
		}
	}
	return list
}

// untell has what was told in records that were lost told again.
func (g *gaps) untell(list []gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, lost := range list {
		g.told[lost.class][lost.reason] -= min(lost.count, g.told[lost.class][lost.reason])
		if since := &g.since[lost.class][lost.reason]; lost.start.Before(*since) {
			*since = lost.start
		}
	}
}

// gap writes a record about what is missing.
func (w *writer) gap(r plog.LogRecord, g gap, now time.Time) int {
	const name = "ebpfsecurity.gap"
	w.a.begin(5)
	w.a.str("ebpfsecurity.gap.class", g.class.String())
	w.a.str("ebpfsecurity.gap.reason", g.reason.String())
	w.a.num("ebpfsecurity.gap.count", int64(g.count))
	w.a.str("ebpfsecurity.gap.start", g.start.UTC().Format(time.RFC3339Nano))
	w.a.str("ebpfsecurity.gap.end", g.end.UTC().Format(time.RFC3339Nano))
	w.body = w.body[:0]
	w.body.num(g.count).is(" events of class ", g.class.String(), " were lost between ",
		g.start.UTC().Format(time.RFC3339), " and ", g.end.UTC().Format(time.RFC3339), ": ", map[event.Outcome]string{
			event.LostRing:  "the buffer between the kernel and the receiver was full",
			event.LostBatch: "the queue to the pipeline was full",
			event.Rejected:  "the pipeline refused them",
		}[g.reason])
	r.SetEventName(name)
	r.SetTimestamp(pcommon.NewTimestampFromTime(g.end))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	r.SetSeverityNumber(plog.SeverityNumberError)
	r.SetSeverityText(severityText(plog.SeverityNumberError))
	r.Body().SetStr(string(w.body))
	w.a.end(r)
	return recordBytes + len(name) + len(w.body) + w.a.bytes
}
