package check

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.FromSlash(name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not as in %s (-want +got):\n%s", name, diff)
	}
}

// written is when the files of all hosts in testdata were.
var written = time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)

// copyHost makes a host of a tree in testdata. Git keeps no more of a mode than
// who may execute, and the umask is any.
func copyHost(t testing.TB, name string) tree {
	t.Helper()
	h, from := tree{t, t.TempDir(), true}, filepath.Join("testdata", "hosts", name)
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		to := filepath.Join(h.dir, rel)
		switch {
		case d.IsDir():
			return errors.Join(os.MkdirAll(to, 0o755), os.Chmod(to, 0o755))
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(file)
			return errors.Join(err, os.Symlink(target, to))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(file)
		return errors.Join(err, os.WriteFile(to, b, 0o600), os.Chmod(to, info.Mode().Perm()&0o111|0o444), os.Chtimes(to, written, written))
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// at is a day in the life of all hosts in testdata.
func at(h *Host) *Host {
	h.Now = func() time.Time { return time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC) }
	return h
}

func hostNames(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", "hosts"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// rootOwned is a file system of which all is root's.
type rootOwned struct{ *Root }

type rootsFile struct{ fs.FileInfo }

func (rootsFile) Sys() any { return &syscall.Stat_t{} }

func (r rootOwned) Stat(name string) (fs.FileInfo, error) {
	info, err := r.Root.Stat(name)
	return rootsFile{info}, err
}

func (r rootOwned) Lstat(name string) (fs.FileInfo, error) {
	info, err := r.Root.Lstat(name)
	return rootsFile{info}, err
}

func TestHosts(t *testing.T) {
	for _, name := range hostNames(t) {
		host := at(copyHost(t, name).host())
		for _, c := range All() {
			t.Run(name+"/"+c.ID, func(t *testing.T) {
				golden(t, "testdata/golden/"+name+"/"+c.ID+".txt", shown(one(t, c, host)))
			})
		}
	}
}

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
func opens(t *testing.T, c Check, h tree) []string {
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
	"a FIFO":              func(file string) error { return syscall.Mkfifo(file, 0o666) },
	"a directory":         func(file string) error { return os.Mkdir(file, 0o755) },
	"a loop of links":     func(file string) error { return os.Symlink(filepath.Base(file), file) },
	"a link to a device":  func(file string) error { return os.Symlink("/dev/zero", file) },
	"a line of 1 GB":      func(file string) error { return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<30)) },
	"a line of 1 MB":      func(file string) error { return os.WriteFile(file, []byte(strings.Repeat("x:=", 1<<20/3)), 0o644) },
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
	start := time.Now()
	o := one(t, anew(c), h.host())
	if took := time.Since(start); took > c.Pace.timeout() {
		t.Errorf("%s: %s took %v", what, c.ID, took)
	}
	if o.Err != nil && strings.Contains(o.Err.Error(), "panic") {
		t.Errorf("%s: %s: %v", what, c.ID, o.Err)
	}
	wellFormed(t, what+": "+c.ID, o)
	if err := errors.Join(os.RemoveAll(full), os.Rename(full+".was", full)); err != nil {
		t.Fatal(err)
	}
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
	if len(o.Points) > DefaultLimit || len(o.findings.Items) > DefaultLimit {
		t.Errorf("%s: %d points and %d items", what, len(o.Points), len(o.findings.Items))
	}
	for _, i := range o.findings.Items {
		text(i.Name)
		text(i.Value)
	}
}

// A file that nobody may read, or that is gone before it is read, is neither
// absent nor empty: each check that needs it says so, and makes nothing up.
func TestUnreadableFiles(t *testing.T) {
	for _, name := range hostNames(t) {
		h := copyHost(t, name)
		for _, c := range All() {
			whole := one(t, c, at(h.host()))
			for _, file := range opens(t, anew(c), h) {
				for _, host := range []*Host{
					h.faulty(map[string]error{file: fs.ErrPermission}, nil),
					h.faulty(nil, map[string]error{file: syscall.ESTALE}),
				} {
					o := one(t, anew(c), at(host))
					wellFormed(t, file, o)
					if o.Status != Unreadable && !isAside(c.ID, file) {
						t.Errorf("%s: %s without %s is %v", name, c.ID, file, o.Status)
					}
					for _, point := range o.Points {
						if !isAside(c.ID, file) && !contains(whole.Points, point) {
							t.Errorf("%s: %s without %s made up %v", name, c.ID, file, point)
						}
					}
				}
			}
		}
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
		return file == "etc/shadow" || file == "etc/login.defs" || file == "etc/hostname"
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
	return slices.ContainsFunc(points, func(q Point) bool {
		return p.Metric == q.Metric && p.Value == q.Value && slices.EqualFunc(p.Labels, q.Labels, func(a, b Label) bool {
			return a.Name == b.Name && (a.Value == b.Value || a.Value == "unknown" || b.Value == "unknown")
		})
	})
}
