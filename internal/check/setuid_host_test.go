//go:build linux && host

package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHostSetuid compares with what find lists on this machine's own disks.
func TestHostSetuid(t *testing.T) {
	out := output(t, "find", "/", "-ignore_readdir_race", "-xdev", "-perm", "/6000", "-type", "f", "-printf", "%p %m\n")
	want := []string{}
	for line := range strings.Lines(out) {
		name, mode, _ := strings.Cut(strings.TrimSpace(line), " ")
		if len(mode) == 4 && (mode[0] == '4' || mode[0] == '6' || strings.ContainsAny(mode[2:3], "1357")) {
			want = append(want, name+" 0"+mode)
		}
	}
	h := hostAt(t, "/")
	mounts, err := h.mounts()
	equal(t, "error", err, nil)
	w := setuidWalk{ctx: t.Context(), skip: mountsToSkip(mounts), left: maxWalk}
	w.walk(h, mounts)
	equal(t, "problems", len(w.errs), 0)
	got := []string{}
	for _, file := range w.found {
		got = append(got, file.path+" "+unixMode(file.mode))
	}
	slices.Sort(want)
	slices.Sort(got)
	// What only root can reach is of no interest, and find lists it.
	want = slices.DeleteFunc(want, func(name string) bool { return !slices.Contains(got, name) && isHidden(t, h, name) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("find and we (-find +we):\n%s", diff)
	}
	if len(got) < 5 {
		t.Errorf("only %v", got)
	}
}

// isHidden says whether a directory above a file is for root only.
func isHidden(t testing.TB, h *Host, file string) bool {
	for i := range file {
		if i == 0 || file[i] != '/' {
			continue
		}
		info, err := h.Lstat(file[:i])
		if err != nil {
			t.Fatal(err)
		}
		if !isReachable(info) {
			return true
		}
	}
	return false
}
