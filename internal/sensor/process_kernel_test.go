//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// helpersSensor counts what helpers do, but for files and networks.
var helpersSensor = opened(func() Options {
	return Options{
		Process: true, Privilege: true, Kernel: true, SyscallTracepoints: true,
		WorldWritableDirs: []string{"/tmp", "/dev/shm", "/var/tmp"},
		Cgroup:            testCgroupID(),
	}
})

// helperType is the type of the helpers, by where the test binary lies.
func helperType() event.ProcessType {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	switch top := strings.Split(exe, "/")[1]; top {
	case "tmp":
		return event.Suspicious
	case "usr", "opt":
		return event.System
	}
	return event.User
}

// ran is what n processes count that are started, run a program of this type, and end.
func ran(n uint64, as event.ProcessType) (c Counts) {
	c.Exec[as], c.Exit[as] = n, n
	return c
}

// ended is what n processes count that are started by a helper and end.
func came(n uint64) (c Counts) {
	c.Exit[helperType()] = n
	return c
}

// dirIn makes a directory that all may enter.
func dirIn(t *testing.T, parent string) string {
	t.Helper()
	fatal(t, os.MkdirAll(parent, 0o755))
	dir, err := os.MkdirTemp(parent, "ebpfsecurity-test-")
	fatal(t, err)
	t.Cleanup(func() { fatal(t, os.RemoveAll(dir)) })
	fatal(t, os.Chmod(dir, 0o755))
	return dir
}

// executable makes an executable that exits with 0.
func executable(t *testing.T, path string) string {
	t.Helper()
	fatal(t, os.WriteFile(path, tinyELF, 0o755))
	return path
}

func systemProgram(t *testing.T) string {
	return executable(t, filepath.Join(dirIn(t, "/usr/lib"), "true"))
}

func tmpProgram(t *testing.T) string { return executable(t, filepath.Join(dirIn(t, "/tmp"), "true")) }

func homeProgram(t *testing.T) string { return executable(t, filepath.Join(dirIn(t, "/home"), "true")) }

// usrBinTrue is what everybody runs.
func usrBinTrue(t *testing.T) string {
	t.Helper()
	const path = "/usr/bin/true"
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		return path
	}
	return executable(t, filepath.Join(dirIn(t, "/usr/bin"), "true"))
}

func TestKernelProcessTypes(t *testing.T) {
	s := helpersSensor(t)
	for _, c := range []struct {
		name string
		path func(*testing.T) string
		want event.ProcessType
	}{
		{"a program of the distribution is system", usrBinTrue, event.System},
		{"a program in /tmp is suspicious", tmpProgram, event.Suspicious},
		{"a program in a home directory is user", homeProgram, event.User},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, path := startHelper(t), c.path(t)
			same(t, s.counted(t, func() { h.do("exec", "200", path) }), ran(200, c.want))
		})
	}
}

func TestKernelProcessOneExecOfMany(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	dirs := dirIn(t, "/usr/lib")
	var path []string
	for i := range 6 {
		dir := filepath.Join(dirs, strconv.Itoa(i))
		fatal(t, os.Mkdir(dir, 0o755))
		path = append(path, filepath.Join(dir, "true"))
	}
	executable(t, path[5])
	got := s.counted(t, func() { h.do("exec", append([]string{"200"}, path...)...) })
	same(t, got, ran(200, event.System))
}

func TestKernelProcessFailedExec(t *testing.T) {
	s, h, dir := helpersSensor(t), startHelper(t), dirIn(t, "/usr/lib")
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		fatal(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	beyond := []byte(string(tinyELF))
	beyond[64+16+7] = 0x7f // the address of its only segment is not one of user space
	for _, c := range []struct{ name, path, end string }{
		{"no such file", dir + "/none", "exit 2"},
		{"not executable", file("text", "#!/bin/sh\n", 0o644), "exit 13"},
		{"a directory", dir, "exit 13"},
		{"neither program nor script", file("noise", "noise", 0o755), "exit 8"},
		{"a script without its interpreter", file("script", "#!"+dir+"/none\n", 0o755), "exit 2"},
		{"a program that kills its process while it is loaded", file("broken", string(beyond), 0o755), "signal: segmentation fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			same(t, s.counted(t, func() { h.do("fail", "200", c.end, c.path) }), came(200))
		})
	}
}

func TestKernelProcessWaysToExec(t *testing.T) {
	s := helpersSensor(t)
	for _, c := range []struct {
		name, deed, how string
		path            func(*testing.T) string
		want            event.ProcessType
	}{
		{"vfork and execve", "vfork", "", systemProgram, event.System},
		{"execveat of a descriptor", "execFDs", "path", systemProgram, event.System},
		{"execveat of a descriptor in /tmp", "execFDs", "path", tmpProgram, event.Suspicious},
		{"a deleted program", "execFDs", "deleted", systemProgram, event.Suspicious},
		{"a program in memory", "execFDs", "memfd", systemProgram, event.Suspicious},
		{"a file that never had a name", "execFDs", "tmpfile", func(*testing.T) string { return "/home" }, event.Suspicious},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"3", c.how, c.path(t)}
			if c.how == "" {
				args = []string{"3", c.path(t)}
			}
			h := startHelper(t)
			same(t, s.counted(t, func() { h.do(c.deed, args...) }), ran(3, c.want))
		})
	}
}

// became is what counts when a helper becomes a program, which ends.
func became(as event.ProcessType) Counts {
	c := ran(1, as)
	c.Active[helperType()]--
	return c
}

func TestKernelProcessExecOfItself(t *testing.T) {
	s := helpersSensor(t)
	for _, c := range []struct{ name, deed string }{
		{"from the first thread", "execOnLeader"},
		{"from another thread", "execHere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, path := startHelper(t), systemProgram(t)
			same(t, s.counted(t, func() { h.endBy(c.deed, path) }), became(event.System))
		})
		t.Run("twice "+c.name, func(t *testing.T) {
			h, path := startHelper(t), systemProgram(t)
			got := s.counted(t, func() {
				h.become(c.deed, "/proc/self/exe")
				h.endBy(c.deed, path)
			})
			want := became(event.System)
			want.Exec[helperType()]++
			got.BPF = want.BPF // the rlimit package asks the kernel when it is initialised
			same(t, got, want)
		})
	}
}

// become lets the helper run itself anew.
func (h *helper) become(args ...string) {
	h.t.Helper()
	fatal(h.t, h.in.Encode(args))
	h.connect()
}

func TestKernelProcessFailedVfork(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	same(t, s.counted(t, func() { h.do("vforkFail", "200", "/usr/none") }), came(200))
}

func TestKernelProcessPidUsedAgain(t *testing.T) {
	s, h, path := helpersSensor(t), startHelper(t), systemProgram(t)
	want := ran(200, event.System)
	want.Exit[helperType()] += 201 // those that run nothing
	same(t, s.counted(t, func() { h.do("reuse", "200", path) }), want)
}

func TestKernelProcessThreads(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	same(t, s.counted(t, func() { h.do("threads", "20") }), Counts{})
	gone := came(1)
	gone.Active[helperType()]--
	same(t, s.counted(t, h.end), gone)
}

func TestKernelProcessOutlivesItsFirstThread(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	same(t, s.counted(t, func() { h.do("leaderExits") }), Counts{})
	h.do("fork", "1")
	gone := came(1)
	gone.Active[helperType()]--
	same(t, s.counted(t, h.end), gone)
}
