package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"
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

// StatusItem is the name of the item that is the check's own status, ChangesItem
// that of all changes of a run beyond maxChanges.
const (
	StatusItem  = "status"
	ChangesItem = "changes"
)

// maxChanges is how many changes of a check are told one by one in a run: who
// writes thousands of lines shall not drown what else there is.
const maxChanges = 256

// A baseline is what a check found before. It holds no more than the limits let
// two runs find.
type baseline struct {
	known  bool // a run has ended
	whole  bool // a run has seen all that there is
	full   bool // there were more items than the limit
	status Status
	items  map[string]Item // of the last whole run, as they were seen last
	extra  map[string]Item // what only the last run has seen, if it was not whole
	blind  []string        // beginnings of names that no run has seen yet
}

// compare returns what differs, and remembers the outcome. Before the first
// run there is nothing to differ from.
func (b *baseline) compare(o Outcome) []Change {
	items := o.findings.Items
	if o.findings.more > 0 {
		items = append(slices.Clip(items), o.findings.overflow())
	}
	now := make(map[string]Item, len(items))
	for _, item := range items {
		now[item.Name] = item
	}
	b.keepUnseen(now, o.findings.blind)
	var changes []Change
	if b.known {
		changes = append(b.news(items, o), b.removed(now, o)...)
		if b.status != o.Status {
			changes = append(changes, Change{
				Item: StatusItem, Kind: Changed, Old: b.status.String(), New: o.Status.String(), Severity: Medium,
			})
		}
		changes = bounded(changes)
	}
	b.remember(now, o)
	for i := range changes {
		changes[i].Check, changes[i].Time = o.Check, o.Time
	}
	return changes
}

// keepUnseen takes what may be there, unseen, for as it was.
func (b *baseline) keepUnseen(now map[string]Item, blind []string) {
	if len(blind) == 0 {
		return
	}
	for _, was := range []map[string]Item{b.items, b.extra} {
		for name, item := range was {
			if _, ok := now[name]; !ok && beginsWithAny(name, blind) {
				now[name] = item
			}
		}
	}
}

func beginsWithAny(name string, beginnings []string) bool {
	return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(name, b) })
}

func (b *baseline) old(name string) (Item, bool) {
	if item, ok := b.items[name]; ok {
		return item, true
	}
	item, ok := b.extra[name]
	return item, ok
}

// news returns what is there now and was not, or was otherwise.
func (b *baseline) news(items []Item, o Outcome) []Change {
	var changes []Change
	for _, item := range items {
		old, known := b.old(item.Name)
		c := Change{Item: item.Name, Kind: Added, New: item.Value, Is: item.Verdict, Severity: item.Severity}
		firstWhole := !b.whole && o.isWhole() // what differs may have been so, unseen
		switch {
		case known && (old == item || item.unsure && !old.unsure || old.unsure && firstWhole):
			continue
		case known:
			c.Kind, c.Old, c.Was = Changed, old.Value, old.Verdict
		case firstWhole, b.full && item.Name != OverflowItem, // it may have been beyond the limit
			beginsWithAny(item.Name, b.blind):
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// removed returns what is no longer there. What could not be read may be, and
// so may what is beyond the limit.
func (b *baseline) removed(now map[string]Item, o Outcome) []Change {
	if !o.isWhole() || o.findings.more > 0 {
		return nil
	}
	was := map[string]Item{}
	maps.Copy(was, b.items)
	maps.Copy(was, b.extra)
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, ok := now[name]; !ok {
			old := was[name]
			changes = append(changes, Change{
				Item: name, Kind: Removed, Old: old.Value, Was: old.Verdict, Severity: old.Severity,
			})
		}
	}
	return changes
}

func (b *baseline) remember(now map[string]Item, o Outcome) {
	b.blind = slices.DeleteFunc(slices.Clone(o.findings.blind), func(name string) bool {
		return b.known && !slices.Contains(b.blind, name)
	})
	b.known, b.status = true, o.Status
	for name, item := range now {
		if old, ok := b.old(name); ok && item.unsure && !old.unsure {
			now[name] = old
		}
	}
	if o.isWhole() {
		b.whole, b.full = true, o.findings.more > 0
		b.items, b.extra = now, nil
		return
	}
	b.full = b.full || o.findings.more > 0
	extra := map[string]Item{}
	for name, item := range now {
		if _, ok := b.items[name]; ok {
			b.items[name] = item
		} else {
			extra[name] = item
		}
	}
	b.extra = extra
}

// bounded leaves the worst of too many changes, and says how many more there
// were.
func bounded(changes []Change) []Change {
	if len(changes) <= maxChanges {
		return changes
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return b.weight() - a.weight() })
	more := changes[maxChanges]
	return append(changes[:maxChanges:maxChanges], Change{
		Item: ChangesItem, Kind: Changed, New: strconv.Itoa(len(changes)-maxChanges) + " more", Severity: more.Severity,
	})
}

// weight puts the check's status first, and rules before what nobody judges.
func (c *Change) weight() int {
	switch {
	case c.Item == StatusItem, c.Item == OverflowItem:
		return 10
	case c.Was == NotJudged && c.Is == NotJudged:
		return 0
	default:
		return 1 + slices.Index([]Severity{Low, Medium, High, Critical}, c.Severity)
	}
}

// isWhole says whether the check saw all that there is, but for what it knows that
// it did not.
func (o *Outcome) isWhole() bool {
	return o.Status == OK || len(o.findings.blind) > 0 && !o.findings.partial
}
