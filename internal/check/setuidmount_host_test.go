//go:build linux && host

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestHostSetuidMounts walks a tree with mounts of all kinds, where it has mounts
// of its own.
func TestHostSetuidMounts(t *testing.T) {
	if os.Getenv("INSIDE") != t.Name() {
		alone(t, t.Name())
		return
	}
	h := newTree(t, nil)
	mount := func(source, point, kind string, flags uintptr, data string) {
		t.Helper()
		h.write(point+"/", "")
		if err := syscall.Mount(source, filepath.Join(h.dir, point), kind, flags, data); err != nil {
			t.Fatalf("mount %s: %v", point, err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(h.dir, point), syscall.MNT_DETACH) })
	}
	su := func(name string) {
		t.Helper()
		h.write(name, "")
		h.chmod(name, 0o755|os.ModeSetuid)
	}
	su("usr/su")
	mount("t", "tmp", "tmpfs", syscall.MS_NOSUID, "mode=1777")
	su("tmp/su")
	mount("t", "tmp/suid", "tmpfs", 0, "mode=0755")
	su("tmp/suid/su")
	mount("t", "over", "tmpfs", syscall.MS_NOSUID, "mode=0755")
	su("over/su")
	mount("t", "over", "tmpfs", 0, "mode=0755")
	su("over/su")
	mount("t", "run/containers/x/rootfs", "tmpfs", 0, "mode=0755")
	su("run/containers/x/rootfs/su")
	lower, upper, work := filepath.Join(h.dir, "lower"), filepath.Join(h.dir, "tmp/suid/upper"), filepath.Join(h.dir, "tmp/suid/work")
	su("lower/su")
	h.write("tmp/suid/upper/", "")
	h.write("tmp/suid/work/", "")
	h.chmod("tmp/suid/upper", 0o700)
	mount("o", "run/overlay", "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work)
	mount("none", "proc", "proc", 0, "")
	mount(filepath.Join(h.dir, "usr"), "bind", "", syscall.MS_BIND, "")
	// A loop: the tree within itself, with all that is mounted in it.
	mount(h.dir, "loop", "", syscall.MS_BIND|syscall.MS_REC, "")
	h.write("tmp/suid/large/x", "")
	for i := range 100000 {
		if err := os.WriteFile(filepath.Join(h.dir, "tmp/suid/large", fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	su("tmp/suid/large/zz-su")

	mounts := mountsBelow(t, h)
	w := setuidWalk{ctx: t.Context(), skip: mountsToSkip(mounts), left: maxWalk}
	w.walk(h.host(), mounts)
	var found []string
	for _, file := range w.found {
		found = append(found, file.path)
	}
	slices.Sort(found)
	equal(t, "problems", len(w.errs), 0)
	equal(t, "found", strings.Join(found, " "), "/lower/su /over/su /run/containers/x/rootfs/su /tmp/suid/large/zz-su /tmp/suid/su /usr/su")
	if looked := maxWalk - w.left; looked < 100000 || looked > 101000 {
		t.Errorf("looked at %d files", looked)
	}
}

// mountsBelow are the mounts of a tree, as if it were the host's root.
func mountsBelow(t *testing.T, h tree) []mount {
	t.Helper()
	all, err := hostAt(t, "/").mounts()
	if err != nil {
		t.Fatal(err)
	}
	var below []mount
	root := mount{device: deviceOf(t, h.dir), point: "/"}
	for _, m := range all { // the file system that the tree is in
		if m.device == root.device && strings.HasPrefix(h.dir, strings.TrimSuffix(m.point, "/")+"/") {
			root.root = filepath.Join(m.root, strings.TrimPrefix(h.dir, m.point))
		}
	}
	below = append(below, root)
	for _, m := range all {
		if point, ok := strings.CutPrefix(m.point, h.dir+"/"); ok {
			m.point = "/" + point
			below = append(below, m)
		}
	}
	return below
}

func deviceOf(t *testing.T, name string) string {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(name, &s); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d:%d", s.Dev>>8&0xfff, s.Dev&0xff|s.Dev>>12&0xfff00)
}
