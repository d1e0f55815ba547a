package check

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDevicesAreNotOpened(t *testing.T) {
	h := hostAt(t, "/")
	for _, name := range []string{"dev/null", "/proc/self/fd/0/../../../../dev/zero"} {
		if _, err := h.Read(name); !errors.Is(err, errNotRegular) {
			t.Errorf("%s: %v", name, err)
		}
	}
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
		if _, err := hostAt(t, "/").Read(link); !errors.Is(err, errElsewhere) {
			t.Errorf("%s: %v", target, err)
		}
	}
	b, err := hostAt(t, "/").Read("/proc/version")
	if err != nil || !strings.HasPrefix(string(b), "Linux") {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestProcessesOfThisMachine(t *testing.T) {
	all, err := hostAt(t, "/").Processes()
	if err != nil {
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
