package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	expect(t, o, point("/own/su", "04755", "passwd")+reachable+point("/snap/core/9/su", "04755", "core")+point("/tmp/.x/back", "04777", "")+
		point("/usr/bin/passwd", "04755", "passwd")+point("/usr/bin/wall", "02755", "passwd")+`
		setuid_file_count{type="setuid"} `+fmt.Sprint(4+strings.Count(reachable, "\n"))+`
		setuid_file_count{type="setgid"} 1
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
	w.walk(h)
	equal(t, "problems", len(w.errs), 1)
	equal(t, "left", w.left, 0)
}

func TestSetuidStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := setuidWalk{ctx: ctx, left: maxWalk}
	w.walk(setuidTree(t).host())
	equal(t, "found", len(w.found), 0)
}

func TestUnixMode(t *testing.T) {
	for want, mode := range map[string]os.FileMode{
		"0644": 0o644, "04755": 0o755 | os.ModeSetuid, "02755": 0o755 | os.ModeSetgid, "01777": 0o777 | os.ModeSticky, "00": 0,
	} {
		equal(t, "mode", unixMode(mode), want)
	}
}
