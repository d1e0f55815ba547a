package receiver

import (
	"sync/atomic"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A tally is the part of the ledger that user space knows: what became of the
// records that the kernel gave. A record counts once, however many events it stands for.
type tally [event.Classes][event.Outcomes]atomic.Uint64

func (t *tally) add(c event.Class, o event.Outcome, n uint64) {
	if c < event.Classes {
		t[c][o].Add(n)
	}
}

// observeChanges counts what checks found. Without a logs pipeline that wants to
// know nothing becomes of it.
func (t *tally) observeChanges(n int, wanted bool) {
	t.add(event.Config, event.Observed, uint64(n))
	if !wanted {
		t.add(event.Config, event.Filtered, uint64(n))
	}
}

func (t *tally) of(c event.Class, o event.Outcome) uint64 { return t[c][o].Load() }

// userSpace are the outcomes that a tally knows. Only changes of the host's
// configuration are observed by user space.
func userSpace() [5]event.Outcome {
	return [...]event.Outcome{event.Observed, event.Reported, event.Filtered, event.LostBatch, event.Rejected}
}

// addTo completes what the kernel says.
func (t *tally) addTo(l *event.Ledger) {
	for c := range event.Classes {
		for _, o := range userSpace() {
			l[c][o] += t.of(c, o)
		}
	}
}
