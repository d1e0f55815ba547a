package receiver

import (
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// sequences finds from the numbers of the records which are missing, and when
// these were written. Records of a class come through more than one ring, so
// neighbours may come in another order.
type sequences struct {
	of map[sequenceKey]*sequence
	// holes are when records of a class went missing since that was last asked.
	holes [event.Classes]hole
	// told is how many were missing then.
	told [event.Classes]uint64
}

type sequenceKey struct {
	cpu   uint16
	class event.Class
}

type sequence struct {
	next     uint64 // the highest number and one
	received uint64
	seen     uint64 // bit n: next-1-n was received
	time     int64  // of the latest
}

type hole struct{ start, end int64 }

func newSequences() *sequences { return &sequences{of: make(map[sequenceKey]*sequence)} }

// see takes note of a record.
func (s *sequences) see(e *event.Event) {
	if e.Class >= event.Classes {
		return
	}
	key := sequenceKey{e.CPU, e.Class}
	q := s.of[key]
	if q == nil {
		q = &sequence{time: e.Time}
		s.of[key] = q
	}
	switch ahead := e.Seq - q.next; {
	case e.Seq < q.next:
		q.late(q.next - 1 - e.Seq)
		return
	case ahead > 0:
		s.holes[e.Class].add(q.time, e.Time)
		fallthrough
	default:
		q.seen = q.seen<<min(ahead+1, 64) | 1
		q.next = e.Seq + 1
		q.received++
		q.time = max(q.time, e.Time)
	}
}

// late is a record that others of a higher number were read before, or one that
// was received already. One from too far back to tell counts as received.
func (q *sequence) late(back uint64) {
	const window = 64
	if back < window {
		if q.seen&(1<<back) != 0 {
			return
		}
		q.seen |= 1 << back
	}
	if q.received < q.next {
		q.received++
	}
}

// missing is how many records of a class were not received until now.
func (s *sequences) missing(c event.Class) uint64 {
	var n uint64
	for key, q := range s.of {
		if key.class == c {
			n += q.next - q.received
		}
	}
	return n
}

func (h *hole) add(start, end int64) {
	if h.end == 0 || start < h.start {
		h.start = start
	}
	h.end = max(h.end, end)
}

// narrow says more exactly when the records of a gap went missing, if the
// numbers show where all of them would be, and forgets that.
func (s *sequences) narrow(g *gap) {
	missing := s.missing(g.class)
	grown := missing - min(s.told[g.class], missing)
	s.told[g.class] = missing
	if grown < g.count {
		return // the last ones may have been lost just now
	}
	h := s.holes[g.class]
	s.holes[g.class] = hole{}
	if start := time.Unix(0, h.start); start.After(g.start) && start.Before(g.end) {
		g.start = start
	}
	if end := time.Unix(0, h.end); end.Before(g.end) && end.After(g.start) {
		g.end = end
	}
}
