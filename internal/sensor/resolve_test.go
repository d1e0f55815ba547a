//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHigher(t *testing.T) {
	got := higher(bpfWatch{Level: [2]uint8{3, 0}}, bpfWatch{Level: [2]uint8{1, 2}})
	if want := (bpfWatch{Level: [2]uint8{3, 2}}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFits(t *testing.T) {
	for p, want := range map[string]bool{
		"/" + strings.Repeat("x", 254):       true, // 255 and a NUL
		"/" + strings.Repeat("x", 255):       false,
		"/" + strings.Repeat("x", 254) + "/": true,
		"/" + strings.Repeat("x", 255) + "/": false,
	} {
		if got := fits(p); got != want {
			t.Errorf("%d bytes of %q…: %v, want %v", len(p), p[:3], got, want)
		}
	}
}

// TestResolve follows links as a process of the host would, below the host's root.
func TestResolve(t *testing.T) {
	root := t.TempDir()
	fatal(t, os.MkdirAll(root+"/etc/real.d", 0o755))
	fatal(t, os.WriteFile(root+"/etc/file", nil, 0o600))
	fatal(t, os.Symlink("file", root+"/etc/link"))
	fatal(t, os.Symlink("/etc/file", root+"/etc/absolute"))
	fatal(t, os.Symlink("/etc/real.d", root+"/etc/dir.d"))
	fatal(t, os.Symlink("../../../../etc/file", root+"/etc/escape"))
	fatal(t, os.Symlink("loop", root+"/etc/loop"))
	dir, err := os.Open(root)
	fatal(t, err)
	defer dir.Close()
	prefix, err := filepath.EvalSymlinks(root)
	fatal(t, err)
	w := &watched{root: dir, prefix: prefix}
	for p, want := range map[string]string{
		"/etc/file": "/etc/file", "/etc/link": "/etc/file", "/etc/absolute": "/etc/file", "/etc/escape": "/etc/file",
		"/etc/dir.d/": "/etc/real.d/", "/": "/",
		"/etc/loop": "", "/etc/none": "", "/etc/file/": "", "~/.ssh/keys": "",
	} {
		got, _, err := w.resolve(p)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s leads to %q, %v; want %q", p, got, err, want)
		}
	}
	if _, _, err := (&watched{}).resolve("/etc/file"); err == nil {
		t.Error("resolves without a root")
	}
}
