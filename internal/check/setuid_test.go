package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// setuidTree has set-uid files in and out of reach.
func setuidTree(t testing.TB) tree {
	h := newTree(t, map[string]string{
		"proc/1/mountinfo": "1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / /nosuid rw,nosuid - ext4 x rw\n3 1 0:9 / /net rw - nfs4 x rw\n" +
			"4 1 8:1 /usr /copy rw - ext4 x rw\n5 1 8:3 / /own rw - ext4 x rw\n6 1 7:1 / /snap/core/9 ro - squashfs x rw\n",
		"etc/passwd":                    "root:x:0:0::/:\nmail:x:8:8::/:\n",
		"etc/group":                     "root:x:0:\nmail:x:8:\n",
		"var/lib/dpkg/status":           "Package: passwd\nStatus: install ok installed\nVersion: 1\n",
		"var/lib/dpkg/info/passwd.list": "/usr/bin/passwd\n/usr/bin/wall\n/own/su\n/usr/bin/plain\n",
	})
	for name, mode := range map[string]os.FileMode{
		"usr/bin/passwd": 0o755 | os.ModeSetuid, "usr/bin/wall": 0o755 | os.ModeSetgid, "usr/bin/plain": 0o755,
		"usr/bin/locked": 0o644 | os.ModeSetgid, "nosuid/a": 0o755 | os.ModeSetuid, "net/a": 0o755 | os.ModeSetuid,
		"copy/a": 0o755 | os.ModeSetuid, "own/su": 0o755 | os.ModeSetuid, "root/a": 0o755 | os.ModeSetuid,
		"snap/core/9/su": 0o755 | os.ModeSetuid, "tmp/.x/back": 0o4777, "tmp/dir/": 0o777 | os.ModeSetgid,
	} {
		h.write(name, "")
		if name == "tmp/.x/back" {
			mode = 0o777 | os.ModeSetuid
		}
		h.chmod(name, mode)
	}
	h.chmod("root", 0o700)
	return h
}

func TestSetuid(t *testing.T) {
	user := fmt.Sprint(os.Getuid())
	group := fmt.Sprint(os.Getgid())
	if user == "0" {
		user, group = "root", "root"
	}
	point := func(path, mode, pkg string) string {
		return fmt.Sprintf("setuid_file{path=%q,owner=%q,group=%q,mode=%q,package=%q} 1\n", path, user, group, mode, pkg)
	}
	reachable, foreign := "", "/tmp/.x/back"
	if user != "root" { // for its owner, who is not root
		reachable, foreign = point("/root/a", "04755", ""), "/root/a,/tmp/.x/back"
	}
	o := one(t, setuid(), setuidTree(t).host())
	expect(t, o, `setuid_file_count{type="setuid"} `+fmt.Sprint(4+strings.Count(reachable, "\n"))+`
		setuid_file_count{type="setgid"} 1
		`+point("/own/su", "04755", "passwd")+reachable+point("/snap/core/9/su", "04755", "core")+point("/tmp/.x/back", "04777", "")+
		point("/usr/bin/passwd", "04755", "passwd")+point("/usr/bin/wall", "02755", "passwd")+`
		setuid.protected fail (/tmp/.x/back)
		setuid.packaged fail (`+foreign+`)
		status ok`)
}

func TestSetuidWithoutPackages(t *testing.T) {
	h := setuidTree(t)
	if err := os.RemoveAll(filepath.Join(h.dir, "var/lib/dpkg")); err != nil {
		t.Fatal(err)
	}
	if _, judged := verdicts(one(t, setuid(), h.host()))["setuid.packaged"]; judged {
		t.Error("a host without packages has files of none")
	}
}

func TestSetuidUnreadable(t *testing.T) {
	expect(t, one(t, setuid(), newTree(t, nil).host()), "status unreadable")
	h := setuidTree(t)
	if err := os.Remove(filepath.Join(h.dir, "var/lib/dpkg/status")); err != nil {
		t.Fatal(err)
	}
	h.write("var/lib/dpkg/status/", "")
	o := one(t, setuid(), h.host())
	equal(t, "status", o.Status, Unreadable)
	if _, judged := verdicts(o)["setuid.packaged"]; judged {
		t.Error("packages that cannot be read have no files")
	}
}

func TestSetuidTooDeep(t *testing.T) {
	h := setuidTree(t)
	h.write("tmp"+strings.Repeat("/d", maxDepth+1)+"/x", "")
	o := one(t, setuid(), h.host())
	equal(t, "status", o.Status, Unreadable)
	equal(t, "points", len(o.Points) >= 7, true)
}

func TestSetuidTooMany(t *testing.T) {
	h := setuidTree(t).host()
	w := setuidWalk{ctx: t.Context(), left: 5}
	w.walk(h, nil)
	equal(t, "problems", len(w.errs), 1)
	equal(t, "left", w.left, 0)
}

func TestSetuidStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := setuidWalk{ctx: ctx, left: maxWalk}
	w.walk(setuidTree(t).host(), nil)
	equal(t, "found", len(w.found), 0)
	equal(t, "why", errors.Is(errors.Join(w.errs...), errTooLong), true)
}

// A mount is skipped for what one sees at its point, and what is mounted below it
// is looked at all the same.
func TestMountsToSkip(t *testing.T) {
	for _, test := range []struct{ name, mounts, skipped, below string }{
		{"another disk", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:2 / /a rw - ext4 x rw\n", "", ""},
		{"nosuid", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:2 / /a rw,nosuid - ext4 x rw\n", "/a", ""},
		{"mounted below nosuid", "1 1 8:1 / / rw - ext4 x rw\n2 1 0:2 / /a rw,nosuid - tmpfs x rw\n3 2 8:3 / /a/b/c rw - ext4 x rw\n4 3 8:4 / /a/b/c/d rw - ext4 x rw\n", "/a", "/a/b/c"},
		{"mounted over nosuid", "1 1 8:1 / / rw - ext4 x rw\n2 1 0:2 / /a rw,nosuid - tmpfs x rw\n3 2 8:3 / /a rw - ext4 x rw\n", "", ""},
		{"nosuid over another", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:2 / /a rw - ext4 x rw\n3 2 0:3 / /a rw,nosuid - tmpfs x rw\n", "/a", ""},
		{"the root once more", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:1 / /loop rw - ext4 x rw\n3 1 8:1 /usr /bind rw - ext4 x rw\n", "/bind,/loop", ""},
		{"a part of a part", "1 1 0:1 /@ / rw - btrfs x rw\n2 1 0:1 /@/usr /bind rw - btrfs x rw\n3 1 0:1 /@home /home rw - btrfs x rw\n", "/bind", ""},
		{"another disk twice", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:2 / /a rw - ext4 x rw\n3 1 8:2 / /b rw - ext4 x rw\n", "/b", ""},
		{"one that is hidden does not count", "1 1 8:1 / / rw - ext4 x rw\n2 1 8:2 / /a/x rw - ext4 x rw\n3 1 8:2 / /b rw - ext4 x rw\n4 1 8:3 / /a rw - ext4 x rw\n", "", ""},
		{"what comes before the root", "2 1 0:2 / /dev rw,nosuid - devtmpfs x rw\n3 2 8:3 / /dev/x rw - ext4 x rw\n1 1 8:1 / / rw - ext4 x rw\n", "/dev", "/dev/x"},
		{"containers", "1 1 0:1 / / rw - overlay x rw\n2 1 0:2 / /run/c/rootfs rw - overlay x rw\n3 1 0:3 / /usr ro - overlay x rw\n", "/run/c/rootfs", ""},
		{"the network's", "1 1 0:1 / / rw - nfs4 x rw\n2 1 0:2 / /a rw - nfs4 x rw\n3 1 0:3 / /b rw - fuse.sshfs x rw\n4 1 0:4 / /c rw - fuseblk x rw\n", "/a,/b", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all []mount
			for line := range strings.Lines(test.mounts) {
				m, ok := parseMount(line)
				equal(t, line, ok, true)
				all = append(all, m)
			}
			skip := mountsToSkip(all)
			equal(t, "skipped", strings.Join(slices.Sorted(maps.Keys(skip)), ","), test.skipped)
			equal(t, "below", strings.Join(belowSkipped(all, skip), ","), test.below)
		})
	}
}

// Directories of users come last, and none uses up what there is for others.
func TestSetuidOfUsers(t *testing.T) {
	h := newTree(t, nil)
	for i := range 50 {
		h.write(fmt.Sprintf("home/%d/f/%d", i%2, i), "")
	}
	h.write("home/2/su", "")
	h.chmod("home/2/su", 0o755|os.ModeSetuid)
	h.write("usr/bin/su", "")
	h.chmod("usr/bin/su", 0o755|os.ModeSetuid)
	w := setuidWalk{ctx: t.Context(), left: 30}
	if os.Getuid() == 0 {
		for i := range 3 {
			if err := os.Chown(filepath.Join(h.dir, "home", fmt.Sprint(i)), 1000+i, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.walk(h.host(), nil)
	var found []string
	for _, file := range w.found {
		found = append(found, file.path)
	}
	slices.Sort(found)
	equal(t, "found", strings.Join(found, ","), "/home/2/su,/usr/bin/su")
	equal(t, "why not all", errors.Is(errors.Join(w.errs...), errTooManyFiles), true)
}

// A user's own set-uid files leave room for root's.
func TestTooManySetuidOfUsers(t *testing.T) {
	var w setuidWalk
	info, err := newTree(t, map[string]string{"x": ""}).host().Stat("x")
	equal(t, "error", err, nil)
	add := func(name string, uid uint32) {
		w.file(name, ownedBy{info, &syscall.Stat_t{Uid: uid}})
	}
	for i := range maxUsers + 10 {
		add(fmt.Sprint("/user/", i), 1000)
	}
	for i := range maxSetuid + 10 {
		add(fmt.Sprint("/root/", i), 0)
	}
	equal(t, "found", len(w.found), maxUsers+maxSetuid)
	equal(t, "problems", len(w.errs), maxProblems)
}

// ownedBy is a set-uid file of somebody.
type ownedBy struct {
	fs.FileInfo
	owner *syscall.Stat_t
}

func (ownedBy) Mode() fs.FileMode { return 0o755 | fs.ModeSetuid }

func (o ownedBy) Sys() any { return o.owner }

func TestUnixMode(t *testing.T) {
	for want, mode := range map[string]os.FileMode{
		"0644": 0o644, "04755": 0o755 | os.ModeSetuid, "02755": 0o755 | os.ModeSetgid, "01777": 0o777 | os.ModeSticky, "00": 0,
	} {
		equal(t, "mode", unixMode(mode), want)
	}
}
