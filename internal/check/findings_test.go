package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "root", "root"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"long", strings.Repeat("x", 1<<20), strings.Repeat("x", 256)},
		{"cut between runes", strings.Repeat("x", 255) + "é", strings.Repeat("x", 255)},
		{"long and not UTF-8", strings.Repeat("\xff\x80a", 200), strings.Repeat("\uFFFDa", 64)},
	} {
		equal(t, test.name, Text(test.in), test.want)
	}
}

func FuzzText(f *testing.F) {
	f.Add(strings.Repeat("\xf0\x9f\x98", 100))
	f.Fuzz(func(t *testing.T, s string) {
		if got := Text(s); !utf8.ValidString(got) || len(got) > maxText {
			t.Errorf("%q", got)
		}
	})
}

func TestSameLabelsAreMerged(t *testing.T) {
	f := newFindings(10)
	f.Point("m", 1, "a", "x\xff")
	f.Point("m", 2, "a", "x\xfe")
	f.Point("m", 3, "a", strings.Repeat("y", 300))
	f.Point("m", 4, "a", strings.Repeat("y", 400))
	f.Point("n", 5, "a", "x\xff")
	f.Judge("r", true, "1")
	f.Judge("r", false, "2")
	f.Watch("r", "3")
	equal(t, "points", len(f.Points), 3)
	equal(t, "the first", f.Points[0].Value, 1)
	equal(t, "items", len(f.Items), 1)
	equal(t, "verdict", f.Items[0].Verdict, Pass)
	equal(t, "overflow", f.Overflow, 0)
}

// Of many findings there are as many as may be, and all rules.
func TestFindingsAreBounded(t *testing.T) {
	f := newFindings(10)
	for i := range 15 {
		f.Point("m", 1, "a", fmt.Sprint(i))
		f.Watch(fmt.Sprint(i), "")
	}
	f.Point("m", 1, "a", "3")
	f.Judge("r", false, "1")
	equal(t, "points", len(f.Points), 10)
	equal(t, "items", len(f.Items), 11)
	equal(t, "the last", f.Items[10].Verdict, Fail)
	equal(t, "overflow", f.Overflow, 10)
	equal(t, "items that were too many", f.overflow().Value, "5 more")
}

func TestJudgeNone(t *testing.T) {
	f := newFindings(10)
	f.JudgeNone("a", nil, true)
	f.JudgeNone("b", nil, false)
	f.JudgeNone("c", []string{"x", "y"}, false)
	equal(t, "answers", fmt.Sprintf("%s %s, %s %s %s", f.Items[0].Name, f.Items[0].Verdict, f.Items[1].Name, f.Items[1].Verdict, f.Items[1].Value), "a pass, c fail x,y")
	equal(t, "number", len(f.Items), 2)
}

func TestStatus(t *testing.T) {
	unreadable := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	other := errors.New("other")
	for _, test := range []struct {
		errs []error
		want Status
	}{
		{nil, OK},
		{[]error{nil}, OK},
		{[]error{unreadable}, Unreadable},
		{[]error{os.NewSyscallError("sendto", syscall.EPERM)}, Unreadable},
		{[]error{fmt.Errorf("read: %w", unreadable)}, Unreadable},
		{[]error{other, unreadable}, Error},
		{[]error{unreadable, context.DeadlineExceeded, other}, Timeout},
	} {
		f := newFindings(1)
		for _, err := range test.errs {
			f.Problem(err)
		}
		equal(t, fmt.Sprint(test.errs), f.status(), test.want)
	}
}
