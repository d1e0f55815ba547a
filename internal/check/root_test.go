package check

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// bothWays lets the kernel find what paths lead to, and then finds it name by
// name.
func bothWays(t *testing.T, dir string, test func(t *testing.T, h *Host)) {
	t.Run("by the kernel", func(t *testing.T) { test(t, hostAt(t, dir)) })
	t.Run("name by name", func(t *testing.T) {
		h := hostAt(t, dir)
		root := h.fs.(*Root)
		if root.top != nil {
			_ = root.top.Close()
			root.top = nil
		}
		test(t, h)
	})
}

func TestLinksStayInside(t *testing.T) {
	outside := newTree(t, map[string]string{"secret": "outside"})
	h := newTree(t, map[string]string{
		"etc/file":      "inside",
		"secret":        "inside",
		"relative":      "-> etc/file",
		"absolute":      "-> /etc/file",
		"chain":         "-> relative",
		"usr/etc":       "-> ../etc",
		"usr/lib/etc":   "-> /usr/etc",
		"climbs":        "-> ../../../../../../../../secret",
		"usr/lib/climb": "-> /usr/lib/../../../etc/file",
		"slashes":       "-> //etc//./file",
		"loop":          "-> /loop",
		"a/x":           "-> /b",
		"b/x":           "-> /a",
		"b/a":           "-> ../a/x",
		"dangling":      "-> /none",
		"bad\xff/\xfe":  "inside",
		"bad\xfe":       "-> bad\xff/\xfe",
		"long":          "-> " + strings.Repeat("etc/../", 300) + "etc/file",
	})
	h.write("escapes", "-> "+filepath.Join(outside.dir, "secret"))
	bothWays(t, h.dir, linksStayInside)
}

func linksStayInside(t *testing.T, host *Host) {
	for _, name := range []string{
		"etc/file", "/etc/file", "relative", "absolute", "chain", "usr/etc/file", "usr/lib/etc/file", "climbs", "bad\xff/\xfe", "bad\xfe",
		"usr/lib/climb", "slashes", "../../secret", "long",
	} {
		b, err := host.Read(name)
		if string(b) != "inside" {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
	for name, want := range map[string]error{
		"loop": syscall.ELOOP, "dangling": fs.ErrNotExist, "escapes": fs.ErrNotExist, "etc/file/x": syscall.ENOTDIR,
		"etc": errNotRegular, ".": errNotRegular,
	} {
		if b, err := host.Read(name); !errors.Is(err, want) || b != nil {
			t.Errorf("%s holds %q, %v, want %v", name, b, err, want)
		}
	}
}

func TestLinkAndStat(t *testing.T) {
	h := newTree(t, map[string]string{"a/file": "12345", "b": "-> /a", "link": "-> /b/file"})
	bothWays(t, h.dir, linkAndStat)
}

func linkAndStat(t *testing.T, h *Host) {
	target, err := h.Link("b/../link")
	equal(t, "error", err, nil)
	equal(t, "target", target, "/b/file")
	info, err := h.Stat("link")
	equal(t, "error", err, nil)
	equal(t, "size", info.Size(), 5)
	info, err = h.Lstat("link")
	equal(t, "error", err, nil)
	equal(t, "type", info.Mode().Type(), fs.ModeSymlink)
	for name, want := range map[string]error{"a/file": syscall.EINVAL, "a": syscall.EINVAL, "none": fs.ErrNotExist} {
		var path *fs.PathError
		if _, err := h.Link(name); !errors.Is(err, want) || !errors.As(err, &path) {
			t.Errorf("%s as a link: %v", name, err)
		}
	}
}

// A writer of a FIFO waits until someone opens it to read: nobody may.
func TestFIFOIsNotOpened(t *testing.T) {
	h := newTree(t, map[string]string{"link": "-> fifo"})
	fifo := filepath.Join(h.dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	bothWays(t, h.dir, func(t *testing.T, host *Host) {
		for _, name := range []string{"fifo", "link"} {
			if _, err := host.Read(name); !errors.Is(err, errNotRegular) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := host.Dir(name); !errors.Is(err, errNotRegular) {
				t.Errorf("%s: %v", name, err)
			}
			if dir, err := host.OpenDir(name); !errors.Is(err, errNotRegular) {
				dir.Close()
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestLargeFiles(t *testing.T) {
	h := newTree(t, map[string]string{"line": ""})
	if err := os.Truncate(filepath.Join(h.dir, "line"), 1<<30); err != nil {
		t.Fatal(err)
	}
	host := h.host()
	if _, err := host.Read("line"); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
	b, err := host.Head("line", 100)
	equal(t, "error", err, nil)
	equal(t, "length", len(b), 100)
}

// What is read is never from outside, though someone exchanges a directory for
// a link all the time.
func TestExchangedWhileRead(t *testing.T) {
	outside := newTree(t, map[string]string{"file": "outside"})
	h := newTree(t, map[string]string{"real/file": "inside"})
	link := filepath.Join(h.dir, "dir")
	var other sync.WaitGroup
	defer other.Wait()
	stop := make(chan struct{})
	defer close(stop)
	other.Go(func() {
		for {
			for _, target := range []string{"real", outside.dir, "/real", "../../../../../.." + outside.dir} {
				_ = os.Remove(link)
				_ = os.Symlink(target, link)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	bothWays(t, h.dir, func(t *testing.T, host *Host) {
		for range 2000 {
			if b, err := host.Read("dir/file"); err == nil && string(b) != "inside" {
				t.Fatalf("read %q", b)
			}
		}
	})
}

// A faulty host does not let some of its files be opened or read.
type faulty struct {
	ownedFS
	open, read map[string]error
}

func (h tree) faulty(open, read map[string]error) *Host {
	h.Helper()
	root, err := OpenRoot(h.dir)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = root.Close() })
	o := DefaultOptions()
	o.Profile = CIS2
	return NewHost(faulty{ownedFS{Root: root}, open, read}, o)
}

func (f faulty) Open(name string) (fs.File, error) {
	if err := f.open[name]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	file, err := f.Root.Open(name)
	if err == nil && f.read[name] != nil {
		return faultyFile{file, f.read[name]}, nil
	}
	return file, err
}

type faultyFile struct {
	fs.File
	err error
}

func (f faultyFile) Read([]byte) (int, error) { return 0, f.err }

// Three things that are not the same: absent, unreadable, and gone on the way.
func TestUnreadable(t *testing.T) {
	h := newTree(t, map[string]string{"etc/a": "a", "etc/b": "b"}).faulty(
		map[string]error{"etc/a": fs.ErrPermission}, map[string]error{"etc/b": syscall.ESTALE})
	for name, want := range map[string]Status{"etc/a": Unreadable, "etc/b": Unreadable} {
		_, err := h.ReadIfAny(name)
		if err == nil {
			t.Fatalf("%s was read", name)
		}
		equal(t, name, statusOf(err), want)
	}
	b, err := h.ReadIfAny("etc/c")
	equal(t, "absent", err == nil && b == nil, true)
	_, err = h.Read("etc/c")
	equal(t, "absent", errors.Is(err, fs.ErrNotExist), true)
}

func TestEmptyIsNotAbsent(t *testing.T) {
	b, err := newTree(t, map[string]string{"empty": ""}).host().ReadIfAny("empty")
	equal(t, "there", err == nil && b != nil, true)
}

func TestDir(t *testing.T) {
	h := newTree(t, map[string]string{"d/b": "", "d/a": "", "d/c/x": "", "e/": ""}).host()
	entries, err := h.Dir("d")
	equal(t, "error", err, nil)
	var names string
	for _, e := range entries {
		names += e.Name()
	}
	equal(t, "names", names, "abc")
	entries, err = h.Dir("e")
	equal(t, "empty", len(entries) == 0 && err == nil, true)
	entries, err = h.DirIfAny("none")
	equal(t, "absent", len(entries) == 0 && err == nil, true)
	if _, err := h.Dir("d/a"); err == nil {
		t.Error("a file is a directory")
	}
}

func TestOpenIsForReading(t *testing.T) {
	h := newTree(t, map[string]string{"a": "b"})
	root, err := OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	equal(t, "content", string(b), "b")
	equal(t, "error", err, nil)
	if _, err := root.Open("/a"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("not as fs.FS has it: %v", err)
	}
}
