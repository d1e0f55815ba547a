//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A ledger is security.ebpf.events as scraped: how many events by class and outcome.
type ledger struct {
	classes map[string]map[string]uint64
	at      time.Time // when it was collected
}

func (l ledger) of(class, outcome string) uint64 { return l.classes[class][outcome] }

// outcomes are those of which observed is the sum, losses those that leave a gap.
var (
	losses   = []string{"lost_ring", "lost_batch", "refused"}
	outcomes = append([]string{"reported", "filtered", "sampled"}, losses...)
)

// readLedger finds the ledger on a page of metrics.
func readLedger(page string) ledger {
	l := ledger{classes: make(map[string]map[string]uint64)}
	plain := strings.NewReplacer(`"`, " ", "}", " ")
	for line := range strings.Lines(page) {
		var class, outcome string
		var n float64
		var at int64
		got, _ := fmt.Sscanf(plain.Replace(line), "security_ebpf_events_total{class= %s ,outcome= %s %g %d", &class, &outcome, &n, &at)
		if got != 4 {
			continue
		}
		l.add(class, outcome, uint64(n), time.UnixMilli(at))
	}
	return l
}

func (l *ledger) add(class, outcome string, n uint64, at time.Time) {
	if l.classes[class] == nil {
		l.classes[class] = make(map[string]uint64)
	}
	l.classes[class][outcome] = n
	l.at = at
}

// balances tells whether each event that was observed has an outcome.
func (l ledger) balances() bool {
	for class := range l.classes {
		if l.off(class) != 0 {
			return false
		}
	}
	return len(l.classes) > 0
}

func (l ledger) off(class string) int64 {
	off := int64(l.of(class, "observed"))
	for _, outcome := range outcomes {
		off -= int64(l.of(class, outcome))
	}
	return off
}

// lost is how many events of a class have no record for want of room, or of a consumer.
func (l ledger) lost(class string) (n uint64) {
	for _, loss := range losses {
		n += l.of(class, loss)
	}
	return n
}

// agrees tells whether the ledger says of each class that as many records
// were reported as arrived, and of what was lost what the records of gaps say.
func (l ledger) agrees(a *arrivals) bool {
	for class := range a.classes {
		if l.classes[class] == nil {
			return false
		}
	}
	for class := range l.classes {
		if l.of(class, "reported") != a.classes[class] {
			return false
		}
		for _, loss := range losses {
			if l.of(class, loss) != a.gaps[[2]string{class, loss}] {
				return false
			}
		}
	}
	return true
}

// table has the classes of which something was observed, and beside them what arrived.
func (l ledger) table(a *arrivals) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s%10s", "", "observed")
	for _, outcome := range outcomes {
		fmt.Fprintf(&b, "%11s", outcome)
	}
	fmt.Fprintf(&b, "%11s%11s%11s\n", "off", "arrived", "stand for")
	for _, class := range slices.Sorted(maps.Keys(l.classes)) {
		if l.of(class, "observed") == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-10s%10d", class, l.of(class, "observed"))
		for _, outcome := range outcomes {
			fmt.Fprintf(&b, "%11d", l.of(class, outcome))
		}
		fmt.Fprintf(&b, "%11d%11d%11d\n", l.off(class), a.classes[class], a.stands[class])
	}
	fmt.Fprintf(&b, "gaps told: %v in %d records", a.gaps, a.told)
	return b.String()
}
