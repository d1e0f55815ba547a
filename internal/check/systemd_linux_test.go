package check

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A socket that accepts and never answers costs the check its time, no more.
func TestSystemdThatDoesNotAnswer(t *testing.T) {
	h := newTree(t, map[string]string{"run/dbus/": "", "run/systemd/system/": ""})
	l, err := net.Listen("unix", filepath.Join(h.dir, "run/dbus/system_bus_socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	root, err := OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (systemd{root}).Services(ctx); err == nil {
		t.Error("a silent socket answered")
	}
}

// What is not a socket is not connected to, and nothing out of the root is.
func TestDialRefuses(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", outside)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	h := newTree(t, map[string]string{"file": "", "out": "-> " + outside, "up": "-> ../../../../../../../../" + outside, "here": "-> socket"})
	own, err := net.Listen("unix", filepath.Join(h.dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	root, err := OpenRoot(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	_, err = root.Dial(t.Context(), "file")
	equal(t, "a file is refused", errors.Is(err, errNotSocket), true)
	for _, name := range []string{"out", "up", "none"} {
		_, err := root.Dial(t.Context(), name)
		equal(t, name+" is not there", errors.Is(err, os.ErrNotExist), true)
	}
	c, err := root.Dial(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
