//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// joins names in the environment of a load the cgroups that it is to join.
const joins = "E2E_CGROUPS"

// join enters cgroups, with a colon between their directories.
func join(dirs string) (err error) {
	for _, dir := range strings.FieldsFunc(dirs, func(r rune) bool { return r == ':' }) {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0))
	}
	return err
}

// newCgroup makes a cgroup of this path, such as kubepods.slice/….scope, where
// container engines do: in the hierarchy of version 2 and, if there is one of
// version 1 for memory, in that. It removes it after the test.
func newCgroup(t *testing.T, path string) (dirs []string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	fatal(t, err)
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(strings.TrimSpace(line), " - ")
		options := strings.Split(after[strings.LastIndexByte(after, ' ')+1:], ",")
		if root := strings.Fields(before)[4]; strings.HasPrefix(after, "cgroup2 ") ||
			strings.HasPrefix(after, "cgroup ") && slices.Contains(options, "memory") {
			dirs = append(dirs, makeBelow(t, root, path))
		}
	}
	if len(dirs) == 0 {
		t.Fatal("no cgroups are mounted")
	}
	return dirs
}

// makeBelow makes directories until the test ends.
func makeBelow(t *testing.T, root, path string) string {
	t.Helper()
	dir := filepath.Join(root, path)
	fatal(t, os.MkdirAll(dir, 0o755))
	t.Cleanup(func() {
		for at := dir; at != root; at = filepath.Dir(at) {
			_ = os.Remove(at) // unless another test is in there
		}
	})
	return dir
}

// newContainerID is one that no other test has.
func newContainerID() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}
