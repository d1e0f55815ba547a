package receiver

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// A changeTeller makes records of what checks found changed. It is for one goroutine.
type changeTeller struct {
	writer   writer
	gatherer *gatherer
}

// newChangeTeller is for the queue of what is rare.
func (l *logs) newChangeTeller() *changeTeller {
	offer := l.sender.offer
	return &changeTeller{gatherer: &gatherer{
		limits: l.cfg.Events.Batch, maker: l.resourceMaker(),
		full: func(b *batch) { offer(sensor.High, b) },
	}}
}

// tell hands on the changes of one run at once.
func (t *changeTeller) tell(changes []check.Change) {
	now := time.Now()
	for i := range changes {
		r := t.gatherer.begin(now, resource{})
		t.gatherer.end(now, event.Config, t.writer.change(r, &changes[i], now))
	}
	t.gatherer.flush()
}

// change writes a record about a change of the host's configuration.
func (w *writer) change(r plog.LogRecord, c *check.Change, now time.Time) int {
	const name = "ebpfsecurity.config.changed"
	w.a.begin(8)
	w.a.str("ebpfsecurity.config.check", c.Check)
	w.a.str("ebpfsecurity.config.item", c.Item)
	w.a.str("ebpfsecurity.config.change", string(c.Kind))
	w.a.value("ebpfsecurity.config.old.value", c.Old, c.Kind != check.Added)
	w.a.value("ebpfsecurity.config.new.value", c.New, c.Kind != check.Removed)
	w.a.str("ebpfsecurity.config.old.result", string(c.Was))
	w.a.str("ebpfsecurity.config.new.result", string(c.Is))
	w.a.str("ebpfsecurity.config.severity", string(c.Severity))
	w.body = w.body[:0]
	w.sentence(c)
	r.SetEventName(name)
	r.SetTimestamp(pcommon.NewTimestampFromTime(c.Time))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	r.SetSeverityNumber(plog.SeverityNumberWarn)
	r.SetSeverityText(severityText(plog.SeverityNumberWarn))
	r.Body().SetStr(string(w.body))
	w.a.end(r)
	return recordBytes + len(name) + len(w.body) + w.a.bytes
}

// sentence says the change in words.
func (w *writer) sentence(c *check.Change) {
	s := &w.body
	if c.Item == check.StatusItem {
		s.is("the status of the check ").quote(c.Check)
	} else {
		s.quote(c.Item)
	}
	switch c.Kind {
	case check.Added:
		s.is(" was added: '").quoteIn(c.New, '\'').is("'")
	case check.Removed:
		s.is(" was removed: it was '").quoteIn(c.Old, '\'').is("'")
	case check.Changed:
		s.is(" changed from '").quoteIn(c.Old, '\'').is("' to '").quoteIn(c.New, '\'').is("'")
	}
	switch {
	case c.Is == check.Fail && c.Was != check.Fail:
		s.is("; it fails now (", string(c.Severity), ")")
	case c.Is == check.Fail:
		s.is("; it still fails (", string(c.Severity), ")")
	case c.Is == check.Pass && c.Was == check.Fail:
		s.is("; it passes now")
	}
}
