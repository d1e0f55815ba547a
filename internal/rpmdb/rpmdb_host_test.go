//go:build linux && host

package rpmdb

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestHostRPM compares databases that RPM makes now with what it reads of them.
func TestHostRPM(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("testdata/make.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compare(t, func(t testing.TB, name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
