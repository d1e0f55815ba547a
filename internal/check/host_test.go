package check

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A tree is a directory that looks like a host's root.
type tree struct {
	testing.TB
	dir   string
	roots bool // all is root's, whoever runs the test
}

// newTree makes one of paths and contents. "-> target" is a link, a path that
// ends in a slash a directory.
func newTree(t testing.TB, files map[string]string) tree {
	h := tree{TB: t, dir: t.TempDir()}
	for name, content := range files {
		h.write(name, content)
	}
	return h
}

func (h tree) write(name, content string) {
	h.Helper()
	full := filepath.Join(h.dir, name)
	errs := []error{os.MkdirAll(filepath.Dir(full), 0o755)}
	target, isLink := strings.CutPrefix(content, "-> ")
	switch {
	case strings.HasSuffix(name, "/"):
		errs = append(errs, os.MkdirAll(full, 0o755))
	case isLink:
		errs = append(errs, os.Symlink(target, full))
	default:
		errs = append(errs, os.WriteFile(full, []byte(content), 0o644))
	}
	if err := errors.Join(errs...); err != nil {
		h.Fatal(err)
	}
}

func (h tree) chmod(name string, mode os.FileMode) {
	h.Helper()
	if err := os.Chmod(filepath.Join(h.dir, name), mode); err != nil {
		h.Fatal(err)
	}
}

// host is the tree as checks see it.
func (h tree) host(change ...func(*Options)) *Host {
	h.Helper()
	host := hostAt(h, h.dir, change...)
	if h.roots {
		host.fs = ownedFS{Root: host.fs.(*Root)}
	}
	return host
}

// hostAt is what is below a directory, as checks see it.
func hostAt(t testing.TB, dir string, change ...func(*Options)) *Host {
	t.Helper()
	root, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	o := DefaultOptions()
	o.Profile = CIS2
	for _, f := range change {
		f(&o)
	}
	return NewHost(root, o)
}

// one runs a check once.
func one(t testing.TB, c Check, h *Host) Outcome {
	t.Helper()
	o := c.look(t.Context(), h)
	h.settle(&c, &o)
	return o
}

// shown are an outcome's points and results, a line each, as golden tests
// compare them.
func shown(o Outcome) string {
	var lines []string
	for _, p := range o.Points {
		var labels []string
		for _, l := range p.Labels {
			labels = append(labels, fmt.Sprintf("%s=%q", l.Name, l.Value))
		}
		metric := strings.TrimPrefix(p.Metric, "linux.security.")
		lines = append(lines, fmt.Sprintf("%s{%s} %v", metric, strings.Join(labels, ","), p.Value))
	}
	for _, r := range o.Results {
		verdict := Fail
		if r.Pass {
			verdict = Pass
		}
		lines = append(lines, fmt.Sprintf("%s %s (%s)", r.Rule, verdict, r.Value))
	}
	lines = append(lines, "status "+o.Status.String())
	return strings.Join(lines, "\n") + "\n"
}

// expect compares what is shown with lines that have white space before them.
func expect(t testing.TB, o Outcome, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line+"\n")
		}
	}
	if diff := cmp.Diff(strings.Join(lines, ""), shown(o)); diff != "" {
		t.Errorf("not as expected (-want +got), error %v:\n%s", o.Err, diff)
	}
}

// verdicts are the answers of rules, by their IDs.
func verdicts(o Outcome) map[string]bool {
	all := map[string]bool{}
	for _, r := range o.Results {
		all[r.Rule] = r.Pass
	}
	return all
}

// value returns the value of the point that has these labels.
func value(t testing.TB, o Outcome, metric string, labels ...string) float64 {
	t.Helper()
	for _, p := range o.Points {
		if p.Metric == metric && hasAll(p, labels) {
			return p.Value
		}
	}
	t.Errorf("no point %s %v", metric, labels)
	return -1
}

func hasAll(p Point, labels []string) bool {
	for pair := range slices.Chunk(labels, 2) {
		if p.Label(pair[0]) != pair[1] {
			return false
		}
	}
	return true
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
