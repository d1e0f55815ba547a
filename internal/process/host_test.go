package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A host is a directory that looks like a host's root.
type host struct {
	t    testing.TB
	root string
}

func newHost(t testing.TB) host {
	h := host{t, t.TempDir()}
	h.link("proc/self/ns/cgroup", initialCgroupNamespace)
	return h
}

func (h host) write(name, content string) {
	h.t.Helper()
	name = filepath.Join(h.root, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644))
	if err != nil {
		h.t.Fatal(err)
	}
}

// link makes a symbolic link, in the place of one that is there.
func (h host) link(name, target string) {
	h.t.Helper()
	name = filepath.Join(h.root, name)
	_ = os.Remove(name)
	err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(target, name))
	if err != nil {
		h.t.Fatal(err)
	}
}

// process adds a process to /proc that began ticks after the boot.
func (h host) process(pid uint32, comm string, ticks uint64, exe string, args ...string) {
	h.t.Helper()
	dir := fmt.Sprintf("proc/%d/", pid)
	h.write(dir+"stat", statLine(comm, ticks))
	h.write(dir+"cmdline", strings.Join(args, "\x00")+"\x00")
	h.link(dir+"exe", exe)
	h.link(dir+"cwd", "/work")
}

func statLine(comm string, ticks uint64) string {
	return fmt.Sprintf("7 (%s) S 1 7 6 34817 7 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %d 1 2 3\n", comm, ticks)
}

// table is over the host, and closed with the test.
func (h host) table(o Options) *Table {
	o.Root = h.root
	t := New(o)
	h.t.Cleanup(func() {
		if err := t.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return t
}

// actor is a process that began ticks, and a bit, after the boot.
func actor(pid uint32, ticks uint64, image uint64) *event.Actor {
	return &event.Actor{PID: pid, TID: pid, Start: ticks*tick + 1234567, Image: image}
}

// childOf makes b a process forked by a.
func childOf(a, b *event.Actor) *event.Actor {
	b.ParentPID, b.ParentStart, b.ParentExecs, b.ParentImage = a.PID, a.Start, a.Execs, a.Image
	return b
}

func execOf(a *event.Actor, path string, args ...string) *event.Event {
	joined := ""
	if len(args) > 0 {
		joined = strings.Join(args, "\x00") + "\x00"
	}
	return &event.Event{Class: event.Exec, Actor: *a, Exec: event.ExecEvent{
		Path: []byte(path), CWD: []byte("/home"), Args: []byte(joined), ArgsTotal: uint32(len(joined)),
	}}
}

func check[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
