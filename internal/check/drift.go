package check

import (
	"maps"
	"slices"
	"time"
)

// A Change is a difference to the last run of a check.
type Change struct {
	Check    string
	Item     string // the rule or the value
	Kind     Kind
	Old, New string  // values, "" where there is none
	Was, Is  Verdict // of the rule
	Severity Severity
	Time     time.Time // when it was seen
}

// A Kind says what became of an item.
type Kind string

// The kinds of change.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
)

// StatusItem is the name of the item that is the check's own status.
const StatusItem = "status"

// A baseline is what a check found before.
type baseline struct {
	known  bool // a run has ended
	whole  bool // it saw all that there is
	status Status
	items  map[string]Item
}

// compare returns what differs, and remembers the outcome. Before the first
// run there is nothing to differ from.
func (b *baseline) compare(o Outcome) []Change {
	now := make(map[string]Item, len(o.findings.Items))
	for _, item := range o.findings.Items {
		now[item.Name] = item
	}
	var changes []Change
	if b.known {
		changes = append(b.news(o), b.removed(now, o)...)
		if b.status != o.Status {
			changes = append(changes, Change{
				Item: StatusItem, Kind: Changed, Old: b.status.String(), New: o.Status.String(), Severity: Medium,
			})
		}
	}
	b.remember(now, o)
	for i := range changes {
		changes[i].Check, changes[i].Time = o.Check, o.Time
	}
	return changes
}

// news returns what is there now and was not, or was otherwise.
func (b *baseline) news(o Outcome) []Change {
	var changes []Change
	for _, item := range o.findings.Items {
		old, known := b.items[item.Name]
		c := Change{Item: item.Name, Kind: Added, New: item.Value, Is: item.Verdict, Severity: item.Severity}
		switch {
		case known && old == item:
			continue
		case known:
			c.Kind, c.Old, c.Was = Changed, old.Value, old.Verdict
		case !b.whole && o.isWhole():
			continue // it may have been there, unseen
		}
		changes = append(changes, c)
	}
	return changes
}

// removed returns what is no longer there. What could not be read may be.
func (b *baseline) removed(now map[string]Item, o Outcome) []Change {
	if !o.isWhole() {
		return nil
	}
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(b.items)) {
		if _, ok := now[name]; !ok {
			old := b.items[name]
			changes = append(changes, Change{
				Item: name, Kind: Removed, Old: old.Value, Was: old.Verdict, Severity: old.Severity,
			})
		}
	}
	return changes
}

func (b *baseline) remember(now map[string]Item, o Outcome) {
	b.known, b.whole, b.status = true, o.isWhole(), o.Status
	if b.whole || b.items == nil {
		b.items = now
		return
	}
	maps.Copy(b.items, now)
}

// isWhole says whether the check saw all that there is.
func (o *Outcome) isWhole() bool { return o.Status == OK && o.Overflow == 0 }
