package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxText is how long a name or a value from the host may be, in bytes.
const maxText = 256

// DefaultLimit is how many points, and how many items, a check may have.
const DefaultLimit = 2000

// Findings are what one run of a check found.
type Findings struct {
	Points []Point // no two with the same metric and labels
	Items  []Item  // no two with the same name
	// Overflow counts the points and items beyond the limit.
	Overflow int

	limit    int
	seen     map[string]bool
	at       map[string]int // of items, by their names
	more     int            // items beyond the limit
	rest     [sha256.Size]byte
	problems []error
	partial  bool     // whether anything may be unseen
	blind    []string // beginnings of names of items that may be
}

// A Point is one data point of a gauge.
type Point struct {
	Metric string
	Labels []Label
	Value  float64
}

// A Label is an attribute of a point.
type Label struct{ Name, Value string }

// Label returns the value of a label, "" if the point does not have it.
func (p Point) Label(name string) string {
	for _, l := range p.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// An Item is what is compared with the last run: a rule and what it was judged
// by, or a value that nobody has an opinion on.
type Item struct {
	Name     string
	Value    string
	Verdict  Verdict
	Severity Severity

	whole  [sha256.Size]byte // of what is not shown: a long value's end, a secret
	unsure bool              // whether a part could not be seen
}

// A Verdict is the answer of a rule.
type Verdict string

// The verdicts. NotJudged is that of an item that is no rule's.
const (
	NotJudged Verdict = ""
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
)

// A Status says how the run of a check went.
type Status int

// The statuses, worst last. What is absent is OK: the check saw that it is not
// there.
const (
	OK Status = iota
	Unreadable
	Error
	Timeout
)

// String returns the status as it is shown.
func (s Status) String() string {
	return [...]string{"ok", "unreadable", "error", "timeout"}[s]
}

func newFindings(limit int) *Findings {
	return &Findings{limit: limit, seen: map[string]bool{}, at: map[string]int{}}
}

// Point adds a data point. Labels are pairs of name and value. Of two with the
// same labels the first stays.
func (f *Findings) Point(metric string, value float64, labels ...string) {
	p := Point{Metric: metric, Value: value}
	key := []string{"point", metric}
	for pair := range slices.Chunk(labels, 2) {
		l := Label{pair[0], Text(pair[1])}
		p.Labels = append(p.Labels, l)
		key = append(key, l.Value)
	}
	k := strings.Join(key, "\x00")
	switch {
	case f.seen[k]:
	case len(f.Points) >= f.limit:
		f.Overflow++
	default:
		f.seen[k] = true
		f.Points = append(f.Points, p)
	}
}

// Judge gives a rule's answer. The value is what it was judged by.
func (f *Findings) Judge(rule string, pass bool, value string) {
	verdict := Fail
	if pass {
		verdict = Pass
	}
	f.item(rule, value, verdict, "")
}

// JudgeNone answers a rule that passes if nothing is bad. It does not pass where
// not all was seen: what was not may be bad.
func (f *Findings) JudgeNone(rule string, bad []string, seenAll bool) {
	if len(bad) > 0 || seenAll {
		f.Judge(rule, len(bad) == 0, listed(bad))
		return
	}
	f.unseen(rule)
}

// Watch remembers a value that security depends on, so that its change is seen.
func (f *Findings) Watch(name, value string) { f.item(name, value, NotJudged, "") }

// WatchSecret also sees the change of something that must not be shown.
func (f *Findings) WatchSecret(name, value, secret string) { f.item(name, value, NotJudged, secret) }

// Unsure remembers a value of which a part could not be seen. That is no change of
// one that was known.
func (f *Findings) Unsure(name, value string) {
	f.item(name, value, NotJudged, "")
	if at, ok := f.at[Text(name)]; ok {
		f.Items[at].unsure = true
	}
}

// Problem notes what the check could not see; all else it found counts.
func (f *Findings) Problem(err error) {
	if err != nil {
		f.partial = true
		f.note(err)
	}
}

// Blind notes that the items whose names begin so could not be seen, and all
// others were: what a user does to a file of his hides no change of others.
func (f *Findings) Blind(prefix string, err error) {
	if err == nil {
		return
	}
	f.note(err)
	f.unseen(prefix)
}

func (f *Findings) unseen(prefix string) {
	if len(f.blind) < f.limit {
		f.blind = append(f.blind, Text(prefix))
	} else {
		f.partial = true
	}
}

func (f *Findings) note(err error) {
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, err)
	}
}

// maxProblems is how many problems of one run are kept.
const maxProblems = 16

// item adds an item. Of two with the same name the first is shown, and a change
// of either is seen, as is one of those beyond the limit. Rules are few, and
// always there.
func (f *Findings) item(name, value string, verdict Verdict, secret string) {
	i := Item{Name: Text(name), Value: Text(value), Verdict: verdict, Severity: Medium}
	i.whole = sha256.Sum256([]byte(name + "\x00" + value + "\x00" + secret))
	at, known := f.at[i.Name]
	switch {
	case known:
		f.Items[at].whole = together(f.Items[at].whole, i.whole)
	case verdict == NotJudged && len(f.Items) >= f.limit:
		f.Overflow++
		f.more++
		f.rest = together(f.rest, i.whole)
	default:
		f.at[i.Name] = len(f.Items)
		f.Items = append(f.Items, i)
	}
}

func together(a, b [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append(a[:], b[:]...))
}

// OverflowItem is the name of the item that is all items beyond the limit.
const OverflowItem = "overflow"

// overflow is that item.
func (f *Findings) overflow() Item {
	return Item{Name: OverflowItem, Value: strconv.Itoa(f.more) + " more", Severity: Medium, whole: f.rest}
}

// status is that of the worst problem.
func (f *Findings) status() Status {
	worst := OK
	for _, err := range f.problems {
		worst = max(worst, statusOf(err))
	}
	return worst
}

// statusOf says what kind of problem an error is.
func statusOf(err error) Status {
	var path *fs.PathError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.As(err, &path), errors.Is(err, fs.ErrPermission): // of a file, or of the kernel
		return Unreadable
	default:
		return Error
	}
}

// Text makes what the host says valid UTF-8 of at most 256 bytes.
func Text(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 2*maxText)], "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
