//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

var privilegeHookNames = []string{"privilege.change", "privilege.failure"}

// asUser are the calls with which root becomes a user for good.
var asUser = []string{"setresgid 1000 1000 1000", "setresuid 1000 1000 1000"}

// withCaps keeps the capabilities permitted, but no longer effective.
var withCaps = append([]string{"prctl 8 1"}, asUser...) // PR_SET_KEEPCAPS

func gained(n uint64, families ...event.Escalation) (c Counts) {
	for _, f := range families {
		c.Escalation[f][event.Success] = n
	}
	return c
}

func refusedTo(n uint64, family event.Escalation) (c Counts) {
	c.Escalation[family][event.Failure] = n
	return c
}

var privilegeCalls = []struct {
	name   string
	before []string
	calls  []string
	want   Counts
}{
	{
		"setresuid down and up", nil,
		slices.Repeat([]string{"setresuid -1 1000 -1", "setresuid -1 0 -1"}, 20), gained(20, event.Setuid),
	},
	{"setreuid down and up", nil, []string{"setreuid -1 1000", "setreuid -1 0"}, gained(1, event.Setuid)},
	{"setuid to the saved root", []string{"setresuid 1000 1000 0"}, []string{"setuid 0"}, gained(1, event.Setuid)},
	{"setfsuid down and up", nil, []string{"setfsuid 1000", "setfsuid 0"}, gained(1, event.Setuid)},
	{
		"setfsuid to the saved root",
		[]string{"setresuid 1000 1000 0"},
		[]string{"setfsuid 0", "setfsuid 1000"},
		gained(1, event.Setuid),
	},
	{"root becomes a user for good", nil, asUser, Counts{}},
	{
		"to a saved user and back to the real one",
		[]string{"setresuid 1000 1000 1001"},
		[]string{"setresuid -1 1001 -1", "setresuid -1 1000 -1"},
		gained(1, event.Setuid),
	},
	{"back to the real user", []string{"setresuid 1000 1001 1001"}, []string{"setreuid -1 1000"}, Counts{}},
	{"who may become any user becomes one", append(withCaps, "capset 80 80"), []string{"setresuid -1 1001 -1"}, Counts{}},
	{"who may become any user becomes root", append(withCaps, "capset 80 80"), []string{"setresuid -1 0 -1"}, gained(1, event.Setuid)},
	{
		"to a saved group, in every way",
		[]string{"setresgid 1000 1000 0", "setresuid 1000 1000 1000"},
		[]string{
			"setresgid -1 0 -1", "setresgid -1 1000 -1", "setregid -1 0", "setresgid -1 1000 -1",
			"setgid 0", "setresgid -1 1000 -1", "setfsgid 0", "setfsgid 1000",
		},
		gained(4, event.Setgid),
	},
	{"root takes groups as it likes", nil, []string{"setresgid -1 1000 -1", "setresgid -1 0 -1"}, Counts{}},
	{
		"capset raises what is permitted", withCaps,
		[]string{"capset 80 80", "capset 0 80", "capset 80 80", "capset 0 0"},
		gained(2, event.Capset),
	},
	{"root raises what it gave up", []string{"capset 0 ff"}, []string{"capset ff ff"}, gained(1, event.Capset)},
	{"users that they may not be", asUser, []string{
		"setuid 0 = EPERM", "setreuid 0 0 = EPERM", "setreuid -1 0 = EPERM", "setresuid 0 0 0 = EPERM", "setfsuid 0",
	}, refusedTo(5, event.Setuid)},
	{"groups that they may not have", asUser, []string{
		"setgid 0 = EPERM", "setregid 0 0 = EPERM", "setregid -1 0 = EPERM", "setresgid 0 0 0 = EPERM", "setfsgid 0",
	}, refusedTo(5, event.Setgid)},
	{"capabilities that they may not have", asUser, []string{"capset 80 80 = EPERM", "capset 0 80 = EPERM"}, refusedTo(2, event.Capset)},
	{"calls that ask for nothing", asUser, []string{
		"setuid 1000", "setresuid -1 -1 -1", "setfsuid 1000", "setfsuid -1", "setgid 1000", "setfsgid -1", "capset 0 0",
	}, Counts{}},
	{"calls that make no sense", asUser, []string{"setuid -1 = EINVAL", "setgid -1 = EINVAL"}, Counts{}},
	{"calls of no family", asUser, []string{"setgroups 0 0 = EPERM"}, Counts{}},
}

func TestKernelPrivilegeCalls(t *testing.T) {
	eachWay(t, privilegeHookNames, func(t *testing.T, s *Sensor) {
		for _, c := range privilegeCalls {
			t.Run(c.name, func(t *testing.T) {
				h := startHelper(t)
				h.do("calls", c.before...)
				same(t, s.counted(t, func() { h.do("calls", c.calls...) }), c.want)
			})
		}
	})
}

func TestKernelPrivilegeUserNamespace(t *testing.T) {
	eachWay(t, privilegeHookNames, func(t *testing.T, s *Sensor) {
		h := startHelper(t)
		h.do("calls", asUser...)
		same(t, s.counted(t, func() { h.do("forkCalls", "3", "exit 0", "unshare 0x10000000") }), Counts{}) // CLONE_NEWUSER
	})
}

// owned gives an executable to an owner, and sets its mode.
func owned(uid, gid int, mode uint32) func(*testing.T) string {
	return chmod(func(t *testing.T) string {
		path := systemProgram(t)
		fatal(t, os.Chown(path, uid, gid))
		return path
	}, mode)
}

// capable gives an executable CAP_NET_RAW, as setcap cap_net_raw+ep does.
func capable(t *testing.T) string {
	path := systemProgram(t)
	// struct vfs_cap_data of linux/capability.h: revision 2 and effective, permitted, inheritable
	xattr := "\x01\x00\x00\x02" + "\x00\x20\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	fatal(t, unix.Setxattr(path, "security.capability", []byte(xattr), 0))
	return path
}

var privilegeExecs = []struct {
	name   string
	before []string
	path   func(*testing.T) string
	want   Counts
}{
	{"set-uid root", asUser, owned(0, 0, 0o4755), gained(3, event.Setuid)},
	{"set-uid of another user", asUser, owned(1001, 0, 0o4755), gained(3, event.Setuid)},
	{"set-gid", asUser, owned(0, 42, 0o2755), gained(3, event.Setgid)},
	{"set-uid and set-gid", asUser, owned(0, 42, 0o6755), gained(3, event.Setuid, event.Setgid)},
	{"with capabilities", asUser, capable, gained(3, event.Capset)},
	{"set-uid root, by root", nil, owned(0, 0, 0o4755), Counts{}},
	{"set-uid of a user, by root", nil, owned(1001, 0, 0o4755), Counts{}},
	{"set-uid where rights may not be gained", append([]string{"prctl 38 1"}, asUser...), // PR_SET_NO_NEW_PRIVS
		owned(0, 0, 0o4755), Counts{}},
	{"a set-uid script, which is none", asUser, chmod(script("/usr/lib"), 0o4755), Counts{}},
	{"any program, by a user", asUser, systemProgram, Counts{}},
	{"any program, by root", nil, systemProgram, Counts{}},
	{"any program, by root without its capabilities", []string{"capset 0 ff"}, systemProgram, gained(3, event.Capset)},
}

func TestKernelPrivilegeExec(t *testing.T) {
	eachWay(t, privilegeHookNames, func(t *testing.T, s *Sensor) {
		for _, c := range privilegeExecs {
			t.Run(c.name, func(t *testing.T) {
				h, path := startHelper(t), c.path(t)
				h.do("calls", c.before...)
				same(t, s.counted(t, func() { h.do("exec", "3", path) }), c.want)
			})
		}
	})
}

func TestKernelPrivilegeExecByThread(t *testing.T) {
	eachWay(t, privilegeHookNames, func(t *testing.T, s *Sensor) {
		h, path := startHelper(t), owned(0, 0, 0o4755)(t)
		h.do("calls", asUser...)
		same(t, s.counted(t, func() { h.endBy("execHere", path) }), gained(1, event.Setuid))
	})
}

// TestKernelPrivilegeTools runs the tools that people use.
func TestKernelPrivilegeTools(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string
		tool   []string
		end    string
		want   Counts
	}{
		{"su from root to a user", nil, []string{"su", "-s", "/bin/true", "nobody"}, "exit 0", Counts{}},
		{"su by a user, without a password", asUser, []string{"su", "-c", "true"}, "exit 1", gained(1, event.Setuid)},
		// As strace shows of sudo 1.9.13: it becomes daemon and root again twice, then the user and root again twice.
		{"sudo from root to a user", nil, []string{"sudo", "-n", "-u", "nobody", "true"}, "exit 0", gained(4, event.Setuid)},
		// It is set-uid root, and becomes daemon and root again twice before it refuses.
		{"sudo by a user, without a password", asUser, []string{"sudo", "-n", "true"}, "exit 1", gained(3, event.Setuid)},
	} {
		t.Run(c.name, func(t *testing.T) {
			needRoot(t)
			path, err := exec.LookPath(c.tool[0])
			if err != nil || filepath.Base(readlink(path)) == "busybox" {
				t.Skipf("not on this kernel: privilege.change: its system has no %s", c.tool[0])
			}
			eachWay(t, privilegeHookNames, func(t *testing.T, s *Sensor) {
				h := startHelper(t)
				h.do("calls", c.before...)
				args := append([]string{c.end, path}, c.tool[1:]...)
				same(t, s.counted(t, func() { h.do("run", args...) }), c.want)
			})
		})
	}
}

func readlink(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}
