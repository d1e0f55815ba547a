//go:build linux && host

package check

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bootDir is a directory with the scripts that change a Debian, and a place for
// what comes out.
func bootDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(dir, os.DirFS("testdata/comparison")), os.Mkdir(filepath.Join(dir, "out"), 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// boot starts a Debian with systemd, and changes that are gone when it ends,
// and runs a test of this program in it.
func boot(t *testing.T, dir, tree, test string) {
	t.Helper()
	debian := os.Getenv("DEBIAN")
	if debian == "" {
		t.Fatal("DEBIAN names no tree: make test-host-tools makes one")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	succeed(t, exec.CommandContext(t.Context(), "cp", exe, filepath.Join(dir, "check.test")))
	unit := "comparison@" + tree + ":" + test + ".service"
	succeed(t, exec.CommandContext(t.Context(), "timeout", "--kill-after=10", "1200", "systemd-nspawn", "--quiet", "--directory="+debian, "--volatile=overlay",
		fmt.Sprintf("--machine=%s-%s-%d", strings.ToLower(test), tree, os.Getpid()), "--keep-unit", "--register=no",
		"--private-network", "--console=pipe", "--bind="+dir+":/comparison",
		"--bind-ro="+dir+"/comparison@.service:/run/systemd/system/comparison@.service",
		"--boot", "systemd.unit=multi-user.target", "systemd.wants="+unit))
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	t.Logf("%s", log)
	_, notDone := os.Stat(filepath.Join(dir, "done"))
	if err := errors.Join(err, notDone); err != nil || !strings.Contains(string(log), "\n--- PASS: "+test) {
		t.Fatal("it did not pass there", err)
	}
}

// succeed shows what a command writes if it fails, and ends the test.
func succeed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
