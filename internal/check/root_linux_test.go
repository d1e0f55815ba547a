package check

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDevicesAreNotOpened(t *testing.T) {
	bothWays(t, "/", func(t *testing.T, h *Host) {
		for _, name := range []string{"dev/null", "/proc/self/fd/0/../../../../dev/zero"} {
			if _, err := h.Read(name); !errors.Is(err, errNotRegular) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What /proc/PID/root and the like lead to is not what their text says: it may
// be outside.
func TestMagicLinksAreNotFollowed(t *testing.T) {
	bothWays(t, "/proc/self", func(t *testing.T, h *Host) {
		for _, name := range []string{"root/etc/passwd", "cwd/root.go", "exe"} {
			if b, err := h.Head(name, 1); err == nil {
				t.Errorf("%s holds %q", name, b)
			}
		}
		target, err := h.Link("root")
		equal(t, "what the link says", target, "/")
		equal(t, "error", err, nil)
	})
}

// A user's link to a file like /proc/kmsg would take the kernel's messages away
// from who reads them.
func TestLinksIntoTheKernelAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"proc": "/proc/version", "sys": "/sys/kernel/notes"} {
		link := filepath.Join(dir, name)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		bothWays(t, "/", func(t *testing.T, h *Host) {
			if _, err := h.Read(link); !errors.Is(err, errElsewhere) {
				t.Errorf("%s: %v", target, err)
			}
		})
	}
	b, err := hostAt(t, "/").Read("/proc/version")
	if err != nil || !strings.HasPrefix(string(b), "Linux") {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestProcessesOfThisMachine(t *testing.T) {
	all, err := hostAt(t, "/").Processes()
	// A sandbox may hide what is outside, and others may have too much open.
	if err != nil && !errors.Is(err, errDescriptors) && !errors.Is(err, fs.ErrPermission) {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.PID == os.Getpid() {
			equal(t, "exe", p.Exe, exe)
			return
		}
	}
	t.Error("this process is not there")
}
