package check

import "testing"

const mountTable1 = `22 27 0:21 / /proc rw,relatime shared:1 - proc proc rw
25 27 0:23 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,size=24684096k
27 1 8:1 / / rw,relatime shared:2 master:3 - ext4 /dev/sda1 rw,discard
30 27 0:40 / /tmp rw - tmpfs tmpfs rw
31 27 0:41 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw
32 27 8:2 /home /home rw,nodev - ext4 /dev/sda2 rw
33 27 8:3 / /mnt/a\040b\134c ro - ext4 /dev/sda3 rw
not a mount
`

func TestMountOptions(t *testing.T) {
	h := newTree(t, map[string]string{"proc/1/mountinfo": mountTable1, "var/tmp/": ""})
	expect(t, one(t, mountOptions(), h.host()), `
		mount_option{path="/tmp",option="nodev"} 1
		mount_option{path="/tmp",option="nosuid"} 1
		mount_option{path="/tmp",option="noexec"} 1
		mount_option{path="/dev/shm",option="nodev"} 1
		mount_option{path="/dev/shm",option="nosuid"} 1
		mount_option{path="/dev/shm",option="noexec"} 0
		mount_option{path="/home",option="nodev"} 1
		mount_option{path="/home",option="nosuid"} 0
		mount_option{path="/home",option="noexec"} 0
		mount_options.tmp.separate pass (tmpfs)
		mount_options.tmp.nodev pass (rw,nosuid,nodev,noexec)
		mount_options.tmp.nosuid pass (rw,nosuid,nodev,noexec)
		mount_options.tmp.noexec pass (rw,nosuid,nodev,noexec)
		mount_options.dev_shm.separate pass (tmpfs)
		mount_options.dev_shm.nodev pass (rw,nosuid,nodev)
		mount_options.dev_shm.nosuid pass (rw,nosuid,nodev)
		mount_options.dev_shm.noexec fail (rw,nosuid,nodev)
		mount_options.home.separate pass (ext4)
		mount_options.home.nodev pass (rw,nodev)
		mount_options.home.nosuid fail (rw,nodev)
		mount_options.var.separate fail (part of another file system)
		mount_options.var_tmp.separate fail (part of another file system)
		status ok`)
}

func TestMountsUnreadable(t *testing.T) {
	for _, files := range []map[string]string{nil, {"proc/1/mountinfo": "no\nmount\n"}} {
		expect(t, one(t, mountOptions(), newTree(t, files).host()), "status unreadable")
	}
}

func TestParseMount(t *testing.T) {
	m, ok := parseMount(`33 27 8:3 /r\040t /mnt/a\040b\134c ro,nodev shared:1 master:2 propagate_from:3 - fuse.sshfs x rw`)
	equal(t, "mount", ok, true)
	equal(t, "point", m.point, `/mnt/a b\c`)
	equal(t, "root", m.root, "/r t")
	equal(t, "device", m.device, "8:3")
	equal(t, "kind", m.kind, "fuse.sshfs")
	equal(t, "nodev", m.has("nodev"), true)
	equal(t, "nosuid", m.has("nosuid"), false)
	for _, line := range []string{"", "1 2 3 4 5 6", "1 2 3 4 5 6 7 8 9", "1 2 3 4 5 6 7 -"} {
		if _, ok := parseMount(line); ok {
			t.Errorf("%q is a mount", line)
		}
	}
	equal(t, "what is no escape", unescape(`a\b\9\999\04`), `a\b\9\999\04`)
}

func FuzzMount(f *testing.F) {
	f.Add(`33 27 8:3 /r\040t /mnt/a\040b\134c ro,nodev shared:1 - ext4 x rw`)
	f.Fuzz(func(_ *testing.T, line string) { parseMount(line) })
}
