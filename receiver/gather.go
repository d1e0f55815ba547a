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
}

// add has write fill a record of the class, and say how large it may be in OTLP.
func (g *gatherer) add(now time.Time, c event.Class, of resource, write func(plog.LogRecord) int) {
	g.count(g.put(now, of, write), now, c)
}

// addGap is add for a gap.
func (g *gatherer) addGap(now time.Time, missing gap, write func(plog.LogRecord) int) {
	b := g.put(now, resource{}, write)
	b.gaps = append(b.gaps, missing)
	g.count(b, now, ofGaps)
}

// put returns the batch that the record is in.
func (g *gatherer) put(now time.Time, of resource, write func(plog.LogRecord) int) *batch {
	if g.current == nil {
		g.current = newBatch(now)
	}
	b := g.current
	into := b.group(of, &g.maker)
	r := into.AppendEmpty()
	size := write(r)
	if b.bytes+size > int(g.limits.MaxBytes) && b.open.total() > 0 {
		b = g.carryOver(now, of, into)
	}
	b.bytes += size
	return b
}

// count hands on a batch that is full with the record that was put into it.
func (g *gatherer) count(b *batch, now time.Time, c event.Class) {
	b.open[c]++
	if b.open.total() >= int(g.limits.MaxRecords) || b.bytes >= int(g.limits.MaxBytes) {
		g.flush()
	} else {
		g.flushOld(now)
	}
}

// carryOver moves the last record, for which there is no room, to a new batch.
func (g *gatherer) carryOver(now time.Time, of resource, from plog.LogRecordSlice) *batch {
	next := newBatch(now)
	from.At(from.Len() - 1).MoveTo(next.group(of, &g.maker).AppendEmpty())
	at, last := 0, from.Len()-1
	from.RemoveIf(func(plog.LogRecord) bool {
		at++
		return at > last
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
