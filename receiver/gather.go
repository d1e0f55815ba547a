package receiver

import (
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A gatherer puts records into batches, and hands these on when they are full.
// It is for one goroutine.
type gatherer struct {
	limits  Batch
	maker   resourceMaker
	full    func(*batch)
	current *batch

	of   resource // of the record that was begun
	into plog.LogRecordSlice
}

// begin returns a record to fill, which end puts into a batch.
func (g *gatherer) begin(now time.Time, of resource) plog.LogRecord {
	if g.current == nil {
		g.current = newBatch(now)
	}
	g.of, g.into = of, g.current.group(of, &g.maker)
	return g.into.AppendEmpty()
}

// end takes the record that was begun, of a class and of at most so many bytes in OTLP.
func (g *gatherer) end(now time.Time, c event.Class, bytes int) {
	b := g.current
	if b.bytes+bytes > int(g.limits.MaxBytes) && b.records > 0 {
		b = g.carryOver(now)
	}
	b.bytes += bytes
	b.records++
	b.open[c]++
	if b.records >= int(g.limits.MaxRecords) || b.bytes >= int(g.limits.MaxBytes) {
		g.flush()
	} else {
		g.flushOld(now)
	}
}

// endGap is end for the record of a gap.
func (g *gatherer) endGap(now time.Time, missing gap, bytes int) {
	if g.current.bytes+bytes > int(g.limits.MaxBytes) && g.current.records > 0 {
		g.carryOver(now)
	}
	g.current.gaps = append(g.current.gaps, missing)
	g.end(now, ofGaps, bytes)
}

// carryOver moves the last record, for which there is no room, to a new batch.
func (g *gatherer) carryOver(now time.Time) *batch {
	next := newBatch(now)
	last := g.into.Len() - 1
	g.into.At(last).MoveTo(next.group(g.of, &g.maker).AppendEmpty())
	at := -1
	g.into.RemoveIf(func(plog.LogRecord) bool {
		at++
		return at == last
	})
	g.flush()
	g.current = next
	return next
}

// flushOld hands on a batch that is old enough.
func (g *gatherer) flushOld(now time.Time) {
	if g.current != nil && now.Sub(g.current.born) >= time.Duration(g.limits.MaxAge) {
		g.flush()
	}
}

// flush hands on what there is.
func (g *gatherer) flush() {
	if b := g.current; b != nil {
		g.current = nil
		g.full(b)
	}
}
