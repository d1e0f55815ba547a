package check

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// FuzzFile puts anything in the place of any file that a check reads on a host
// of testdata, and runs the check.
func FuzzFile(f *testing.F) {
	type reader struct {
		check, file string
		tree        tree
		host        string
	}
	var readers []reader
	for _, name := range hostNames(f) {
		h := copyHost(f, name)
		for _, c := range All() {
			for _, file := range opens(f, anew(c), h) {
				at, err := inside(h, file)
				if err != nil {
					f.Fatal(err)
				}
				readers = append(readers, reader{c.ID, at, h, name})
			}
		}
	}
	for i, r := range readers {
		b, err := os.ReadFile(r.file)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 4096 {
			f.Add(uint16(i), b)
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, b []byte) {
		r := readers[int(n)%len(readers)]
		was, err := os.ReadFile(r.file)
		if err := errors.Join(err, os.Chmod(r.file, 0o644), os.WriteFile(r.file, b, 0o644)); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.WriteFile(r.file, was, 0o644); err != nil {
				t.Fatal(err)
			}
		}()
		h := at(hostAt(t, r.tree.dir))
		answered(r.host, h)
		o := one(t, anew(Check{ID: r.check}), h)
		wellFormed(t, r.check, o)
		if o.Err != nil && strings.Contains(o.Err.Error(), "panic: ") {
			t.Errorf("%s of %s: %v", r.check, r.file, o.Err)
		}
		var base baseline
		base.compare(o)
		if changes := base.compare(o); len(changes) > 0 {
			t.Errorf("%s differs from itself: %v", r.check, changes)
		}
	})
}

// FuzzPaths follows links as the kernel does, and as it is done without the
// kernel: to the same end, and never out of the root.
func FuzzPaths(f *testing.F) {
	f.Add("a/link/file", "../a/b", "/a")
	f.Add("loop/x/../file", "/loop", "a/../../../..")
	f.Add("a/link", "b/../../../outside", "../outside")
	f.Add("a/b/file/..", "", "")
	f.Fuzz(func(t *testing.T, name, link, loop string) {
		dir := t.TempDir()
		h := tree{TB: t, dir: filepath.Join(dir, "root")}
		h.write("a/b/file", "inside")
		h.write("file", "inside")
		if err := os.WriteFile(filepath.Join(dir, "outside"), []byte("outside"), 0o644); err != nil {
			t.Fatal(err)
		}
		if os.Symlink(link, filepath.Join(h.dir, "a/link")) != nil || os.Symlink(loop, filepath.Join(h.dir, "loop")) != nil {
			return
		}
		var results []string
		bothRoots(t, h.dir, func(h *Host) {
			b, err := h.Read(name)
			if strings.Contains(string(b), "outside") {
				t.Errorf("%q leads out", name)
			}
			info, statErr := h.Lstat(name)
			kind := fs.FileMode(0)
			if statErr == nil {
				kind = info.Mode().Type()
			}
			target, linkErr := h.Link(name)
			results = append(results, strings.Join([]string{string(b), class(err), kind.String(), class(statErr), target, class(linkErr)}, "|"))
		})
		if len(slices.Compact(results)) > 1 {
			t.Errorf("%q with %q and %q: %q", name, link, loop, results)
		}
	})
}

// bothRoots calls with and without the kernel's help.
func bothRoots(t testing.TB, dir string, call func(h *Host)) {
	t.Helper()
	h := hostAt(t, dir)
	call(h)
	if root := h.fs.(*Root); root.top != nil {
		_ = root.top.Close()
		root.top = nil
	}
	call(h)
}

// class is what an error means to a check.
func class(err error) string {
	switch {
	case err == nil:
		return "ok"
	case nothing(err) == nil:
		return "nothing"
	case errors.Is(err, syscall.ELOOP):
		return "loop"
	case errors.Is(err, errNotRegular):
		return "not regular"
	default:
		return "error"
	}
}
