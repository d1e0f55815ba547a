package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestNames(t *testing.T) {
	h := newHost(t)
	h.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:\nhost:x:999:999::/:\n")
	h.write("etc/group", "wheel:x:0:\nstaff:x:50:alice,bob\n")
	table := h.table(Options{})
	table.Cgroup(event.Cgroup{ID: 3, Path: "/docker/" + id1})

	a := &event.Actor{PID: 1, UID: 1000, EUID: 0, GID: 50, EGID: 0}
	p := table.Describe(a)
	check(t, "names", strings.Join([]string{p.User, p.RealUser, p.Group, p.RealGroup}, " "), "root alice wheel staff")

	a.UID, a.GID = 7, 7
	p = table.Describe(a)
	check(t, "names of unknown numbers", p.RealUser+p.RealGroup, "")

	a.UID, a.EUID, a.Cgroup = 999, 999, 3
	p = table.Describe(a)
	check(t, "names in a container", p.User+p.RealUser, "")
	check(t, "users", table.Stats().Users, 3)
	check(t, "groups", table.Stats().Groups, 2)
}

func TestParseNames(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"empty", "", "map[]"},
		{"without an end of line", "a:x:1", "map[1:a]"},
		{"the first of two", "a:x:1:\nb:x:1:\n", "map[1:a]"},
		{"NIS, comments and rubbish", "+::::::\n# a:x:b\n\n::1\na:x\na:x:-1:\na:x:4294967296:\n", "map[]"},
		{"not UTF-8", "a\xff:x:1:\n", "map[1:a\uFFFD]"},
		{"long", strings.Repeat("a", 1000) + ":x:1:\n", "map[1:" + strings.Repeat("a", maxName) + "]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, _ := parseNames([]byte(test.in))
			check(t, "names", fmt.Sprint(n), test.want)
		})
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { parseNames(b) })
}

func TestNamesAreBounded(t *testing.T) {
	h := newHost(t)
	var b strings.Builder
	for i := range maxNames + 10 {
		_, _ = fmt.Fprintf(&b, "u%d:x:%d:\n", i, i)
	}
	h.write("etc/passwd", b.String())
	s := h.table(Options{}).Stats()
	check(t, "users", s.Users, maxNames)
	check(t, "dropped", s.NamesDropped, 10)
}

func TestNamesFollowTheFile(t *testing.T) {
	h := newHost(t)
	h.write("etc/passwd", "alice:x:1000:\n")
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Root: h.root})
		defer func() { _ = table.Close() }()
		a := &event.Actor{PID: 1, UID: 1000}
		check(t, "name", table.Describe(a).RealUser, "alice")
		h.write("etc/passwd.new", "bobby:x:1000:\n")
		if err := os.Rename(filepath.Join(h.root, "etc/passwd.new"), filepath.Join(h.root, "etc/passwd")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(namesAge - time.Millisecond)
		check(t, "name within 10 s", table.Describe(a).RealUser, "alice")
		time.Sleep(2 * time.Millisecond)
		check(t, "name after", table.Describe(a).RealUser, "bobby")

		if err := os.Remove(filepath.Join(h.root, "etc/passwd")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * namesAge)
		check(t, "name without a file", table.Describe(a).RealUser, "bobby")
	})
}

func TestNamesFileThatIsNone(t *testing.T) {
	h := newHost(t)
	h.write("etc/group", "")
	if err := syscall.Mkfifo(filepath.Join(h.root, "etc/passwd"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, "users", h.table(Options{}).Stats().Users, 0)
}
