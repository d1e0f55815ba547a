package check

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// A recorder knows which files were opened.
type recorder struct {
	*Root
	mu     sync.Mutex
	opened []string
}

func (r *recorder) Open(name string) (fs.File, error) {
	f, err := r.Root.Open(name)
	if err == nil {
		info, statErr := f.Stat()
		r.mu.Lock()
		if statErr == nil && !info.IsDir() {
			r.opened = append(r.opened, name)
		}
		r.mu.Unlock()
	}
	return f, err
}

// opens are the files that a check reads on a host.
func opens(t testing.TB, c Check, h tree) []string {
	t.Helper()
	root, err := OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	r := &recorder{Root: root}
	one(t, c, NewHost(r, DefaultOptions()))
	return r.opened
}

// hostilities are what someone may do to a file.
var hostilities = map[string]func(file string) error{
	"a line of 8 MB": func(file string) error { return os.WriteFile(file, []byte(strings.Repeat("x:= ", maxFile/4)), 0o644) },
	"lines, 8 MB of them": func(file string) error {
		return os.WriteFile(file, []byte(strings.Repeat("x:x:1\n", maxFile/6)), 0o644)
	},
	"no UTF-8":            func(file string) error { return garble(file, "\xff\xfe\xc3") },
	"all lines twice":     func(file string) error { return repeatLines(file) },
	"lines without end":   func(file string) error { return garble(file, `\`) },
	"nothing but colons":  func(file string) error { return os.WriteFile(file, []byte(strings.Repeat(":::::::::\n", 100)), 0o644) },
	"nothing but quotes":  func(file string) error { return os.WriteFile(file, []byte(strings.Repeat("\"'\\\n", 100)), 0o644) },
	"nothing but NUL":     func(file string) error { return os.WriteFile(file, make([]byte, 1000), 0o644) },
	"many different ones": func(file string) error { return os.WriteFile(file, []byte(manyLines()), 0o644) },
}

// garble puts bytes at the end of each line of a file that is in its place.
func garble(file, bytes string) error {
	return rewrite(file, func(line string) string { return line + bytes + "\n" })
}

func repeatLines(file string) error {
	return rewrite(file, func(line string) string { return line + "\n" + line + "\n" })
}

func rewrite(file string, f func(line string) string) error {
	b, err := os.ReadFile(file + ".was")
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		out.WriteString(f(strings.TrimSuffix(line, "\n")))
	}
	return errors.Join(err, os.WriteFile(file, []byte(out.String()), 0o644))
}

// manyLines are of many kinds of file.
func manyLines() string {
	var b strings.Builder
	for i := range 2500 {
		n := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + time.Duration(i).String()
		b.WriteString(n + ":x:" + n + ":1::/:" + n + "\n" + n + "=" + n + "\n* * * * * root " + n + "\n" + n + " (enforce)\n" +
			n + " ALL=ALL\nMatch User " + n + "\nAllowUsers " + n + "\n")
	}
	return b.String()
}

// What is done to one file of a host costs no more than what can be read in it.
func TestHostileFiles(t *testing.T) {
	done := map[string]bool{} // on another host
	files := map[string]int{} // of each check: more of a kind show nothing new
	for _, name := range hostNames(t) {
		h := copyHost(t, name)
		for _, c := range All() {
			for _, file := range opens(t, anew(c), h) {
				if files[c.ID]++; done[c.ID+file] || files[c.ID] > 8 {
					continue
				}
				done[c.ID+file] = true
				for kind, do := range hostilities {
					if (strings.Contains(kind, "8 MB") || kind == "1,000,000 lines") && files[c.ID] > 2 {
						continue
					}
					hostile(t, c, h, file, name+", "+file+": "+kind, do)
				}
			}
		}
	}
}

// hostile puts something in a file's place, runs the check, and puts it back.
func hostile(t *testing.T, c Check, h tree, file, what string, do func(file string) error) {
	t.Helper()
	full, err := filepath.EvalSymlinks(filepath.Join(h.dir, file))
	if err != nil {
		if full, err = inside(h, file); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Rename(full, full+".was"), do(full)); err != nil {
		t.Fatal(err)
	}
	o := allocating(t, what, func() Outcome { return one(t, anew(c), h.host()) })
	if o.Err != nil && strings.Contains(o.Err.Error(), "panic") {
		t.Errorf("%s: %s: %v", what, c.ID, o.Err)
	}
	wellFormed(t, what+": "+c.ID, o)
	if err := errors.Join(os.RemoveAll(full), os.Rename(full+".was", full)); err != nil {
		t.Fatal(err)
	}
}

// maxAllocated is how much memory a check may take for what is in one file, most
// of which the garbage collector has taken back by then.
const maxAllocated = 160 << 20

func allocating(t testing.TB, what string, run func() Outcome) Outcome {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := run()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > maxAllocated {
		t.Errorf("%s: %s allocated %d MB", what, o.Check, n>>20)
	}
	return o
}

// inside finds what a path with absolute links leads to in the tree.
func inside(h tree, file string) (string, error) {
	root, err := OpenRoot(h.dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	name, err := root.resolve("open", file, true)
	return filepath.Join(h.dir, name), err
}

// wellFormed holds findings to what exporters need.
func wellFormed(t *testing.T, what string, o Outcome) {
	t.Helper()
	text := func(s string) {
		if !utf8.ValidString(s) || len(s) > maxText {
			t.Errorf("%s: %q is not UTF-8 of 256 bytes", what, s)
		}
	}
	seen := map[string]bool{}
	for _, p := range o.Points {
		key := p.Metric
		for _, l := range p.Labels {
			text(l.Value)
			key += "\x00" + l.Name + "\x00" + l.Value
		}
		if seen[key] {
			t.Errorf("%s: %q is there twice", what, key)
		}
		seen[key] = true
	}
	if len(o.Points) > DefaultLimit || len(o.findings.Items) > DefaultLimit+len(o.Results) {
		t.Errorf("%s: %d points and %d items", what, len(o.Points), len(o.findings.Items))
	}
	for _, i := range o.findings.Items {
		text(i.Name)
		text(i.Value)
	}
}

// anew is a check that remembers nothing.
func anew(c Check) Check {
	all := All()
	return all[slices.IndexFunc(all, func(other Check) bool { return other.ID == c.ID })]
}

// isAside knows the files that a check can do without.
func isAside(check, file string) bool {
	switch check {
	case "account":
		return file == "etc/shadow" || file == "etc/hostname"
	case "sudo":
		return file == "etc/hostname"
	case "crontab":
		return file == "etc/passwd"
	case "ports":
		return strings.HasPrefix(file, "usr/sbin/") // a program
	case "setuid", "search_path", "container_socket":
		return file == "etc/passwd" || file == "etc/group" // a number is shown for a name
	case "package_count":
		return strings.HasSuffix(file, "-wal") // which need not be there
	}
	return false
}

// contains takes for the same what is unknown of a point.
func contains(points []Point, p Point) bool {
	if p.Label("process") == unknown { // of a socket
		return true
	}
	return slices.ContainsFunc(points, func(q Point) bool {
		return p.Metric == q.Metric && p.Value == q.Value && slices.EqualFunc(p.Labels, q.Labels, func(a, b Label) bool {
			return a.Name == b.Name && (a.Value == b.Value || a.Value == "unknown" || b.Value == "unknown")
		})
	})
}
