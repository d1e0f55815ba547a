//go:build linux && (amd64 || arm64)

package sensor

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestLevels(t *testing.T) {
	level := func(read, write uint8) bpfWatch { return bpfWatch{Level: [2]uint8{read, write}} }
	got := levels([]Watch{
		{"/etc/", event.Info, true, false},
		{"/etc/ssh/", event.Warning, false, true},
		{"/etc/ssh/key", event.Critical, true, false},
		{"/etc/passwd", event.Critical, false, true},
		{"/etc/passwd", event.Info, false, true},
		{"/usr/x", event.Info, true, true},
	})
	want := map[string]bpfWatch{
		"/etc/":        level(1, 0),
		"/etc/ssh/":    level(1, 2), // reads as the directory above says
		"/etc/ssh/key": level(3, 2), // its own word wins
		"/etc/passwd":  level(1, 3), // the highest of two
		"/usr/x":       level(1, 1),
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestParent(t *testing.T) {
	for p, want := range map[string]string{
		"/a/b/c": "/a/b/", "/a/b/": "/a/", "/a": "/", "/a/": "/", "/": "", "~/x/y": "~/x/", "": "",
	} {
		if got := parent(p); got != want {
			t.Errorf("parent(%q) is %q instead of %q", p, got, want)
		}
	}
}

func TestWatchKey(t *testing.T) {
	for p, want := range map[string]string{
		"/etc/shadow":            "/etc/shadow\x00", // a file's matches whole
		"/etc/pam.d/":            "/etc/pam.d/",     // a directory's all that begins so
		"~/.ssh/authorized_keys": ".ssh/authorized_keys\x00",
	} {
		k := watchKey(p)
		if got := string(k.Path[:k.Bits/8]); got != want || k.Bits%8 != 0 {
			t.Errorf("key of %q is %q (%d bits) instead of %q", p, got, k.Bits, want)
		}
	}
}

func TestNameFilter(t *testing.T) {
	var f bpfNameFilter
	f.add("shadow")
	f.add("a name of more than thirty-one bytes")
	f.add(strings.Repeat("n", 64+7))
	if want := uint64(1<<6 | 1<<36 | 1<<7); f.Lengths != want {
		t.Errorf("lengths are %#x instead of %#x", f.Lengths, want)
	}
	bits := 0
	for _, word := range f.Bits {
		for ; word != 0; word &= word - 1 {
			bits++
		}
	}
	if bits != 1 {
		t.Errorf("%d bits are set instead of 1: the length alone tells of long names", bits)
	}
	f.addAll()
	if f.Lengths != ^uint64(0) || f.Bits[63] != ^uint64(0) {
		t.Error("not all names pass")
	}
}

func TestCgroup2Mount(t *testing.T) {
	for line, want := range map[string]string{
		`30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw`:    "/sys/fs/cgroup",
		`30 23 0:26 / /mnt/a\040b rw - cgroup2 cgroup2 rw`:                       "/mnt/a b",
		`30 23 0:26 /user.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw`:          "/sys/fs/cgroup",
		`31 23 0:27 / /sys/fs/cgroup/cpu rw,nosuid shared:5 - cgroup cgroup cpu`: "",
		`nonsense`: "",
		``:         "",
	} {
		if got := cgroup2Mount(line); got != want {
			t.Errorf("%q mounts it at %q instead of %q", line, got, want)
		}
	}
}

func TestNoOtherCgroupIsTheRoot(t *testing.T) {
	if isCgroup2Root(t.TempDir()) || isCgroup2Root("/does/not/exist") {
		t.Error("a directory is the root of the cgroups")
	}
}

func TestMaxTasks(t *testing.T) {
	for name, test := range map[string]struct {
		pidMax, threadsMax string
		want               uint32
	}{
		"the smaller of the two":     {"32768\n", "190000\n", 32768},
		"never more than is tracked": {"4194304\n", "1000000\n", maxTracked},
		"nonsense is not believed":   {"many\n", "-1\n", maxTracked},
		"nor what is not there":      {"", "", maxTracked},
	} {
		root := t.TempDir()
		dir := filepath.Join(root, "proc/sys/kernel")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"pid_max": test.pidMax, "threads-max": test.threadsMax} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := maxTasks(root); got != test.want {
			t.Errorf("%s: %d instead of %d", name, got, test.want)
		}
	}
}
