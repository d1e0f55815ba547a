package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"testing/fstest"
)

func TestOpenDir(t *testing.T) {
	h := newTree(t, map[string]string{"a/b/file": "text", "a/b/link": "-> /a", "to": "-> /a/b", "a/b/empty/": ""})
	dir, err := h.host().OpenDir("/to")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	names, all, err := dir.Names(3)
	slices.Sort(names)
	equal(t, "error", err, nil)
	equal(t, "all", all, true)
	equal(t, "names", len(names), 3)
	equal(t, "first name", names[0], "empty")
	names, all, _ = dir.Names(2)
	equal(t, "names within the limit", len(names), 2)
	equal(t, "all within the limit", all, false)

	b, err := dir.Read("file", 3)
	equal(t, "error", err, nil)
	equal(t, "content", string(b), "tex")
	target, err := dir.Link("link")
	equal(t, "error", err, nil)
	equal(t, "target", target, "/a")
	info, err := dir.Lstat("link")
	equal(t, "error", err, nil)
	equal(t, "type", info.Mode().Type(), fs.ModeSymlink)
	sub, err := dir.Sub("empty")
	equal(t, "error", err, nil)
	sub.Close()
}

func TestDirRefuses(t *testing.T) {
	h := newTree(t, map[string]string{"a/file": "", "a/link": "-> b", "a/b/": ""})
	if err := syscall.Mkfifo(filepath.Join(h.dir, "a/fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	dir, err := h.host().OpenDir("a")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, name := range []string{"file", "fifo", "link", "none", "..", "b/.."} {
		if sub, err := dir.Sub(name); err == nil {
			sub.Close()
			t.Errorf("%s was opened as a directory", name)
		}
	}
	for _, name := range []string{"b", "fifo", "link", "none", "../file", "b/../file"} {
		if _, err := dir.Read(name, 1); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	_, err = dir.Lstat("../a")
	equal(t, "a path is refused", errors.Is(err, fs.ErrInvalid), true)
	_, err = dir.Link("../a")
	equal(t, "a path is refused", errors.Is(err, fs.ErrInvalid), true)
}

func TestOpenDirElsewhere(t *testing.T) {
	_, err := NewHost(fstest.MapFS{}, DefaultOptions()).OpenDir("a")
	equal(t, "unsupported", errors.Is(err, errors.ErrUnsupported), true)
}

func TestEntriesKnowWhatTheyAre(t *testing.T) {
	entries, err := newTree(t, map[string]string{"d/dir/": "", "d/file": "text", "d/link": "-> file"}).host().Dir("d")
	equal(t, "error", err, nil)
	equal(t, "entries", fmt.Sprint(entries), fmt.Sprint([]Entry{{"dir", fs.ModeDir}, {"file", 0}, {"link", fs.ModeSymlink}}))
	equal(t, "the first is a directory", entries[0].IsDir() && !entries[1].IsDir() && entries[2].Type() == fs.ModeSymlink, true)
}
