package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// sleeper starts a sleep, and returns it as the kernel would tell of it.
func sleeper(t *testing.T) *event.Actor {
	t.Helper()
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	dir, err := os.OpenRoot(fmt.Sprintf("/proc/%d", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	s, ok := readStat(dir)
	if !ok {
		t.Fatal("no stat")
	}
	return &event.Actor{
		PID: uint32(c.Process.Pid), TID: uint32(c.Process.Pid), Start: s.start*tick + 1,
		UID: uint32(os.Getuid()), EUID: uint32(os.Geteuid()), ParentPID: uint32(os.Getpid()),
	}
}

func realTable(t *testing.T) *Table {
	t.Helper()
	table := New(Options{Ancestors: 4})
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	return table
}

func TestRealProcess(t *testing.T) {
	table, a := realTable(t), sleeper(t)
	p := table.Describe(a)
	if p.Image == nil {
		t.Fatal("nothing known")
	}
	want, err := exec.LookPath("sleep")
	if err == nil {
		want, err = filepath.EvalSymlinks(want)
	}
	if err != nil {
		t.Fatal(err)
	}
	check(t, "path", p.Image.Path, want)
	check(t, "command line", p.Image.CommandLine, "sleep 1000")
	if since := time.Since(p.Created); since < -time.Second || since > time.Minute {
		t.Errorf("created %v ago", since)
	}
	if b, err := os.ReadFile("/etc/passwd"); err == nil && bytes.HasPrefix(b, []byte("root:")) && a.UID == 0 {
		check(t, "user", p.User, "root")
	}
}

func TestNamesThatTheKernelMayEscape(t *testing.T) {
	old, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.WriteFile("/proc/self/comm", bytes.TrimSpace(old), 0) }()
	for _, name := range []string{`a\b`, "a\nb", "a) R 1 (b", "\xff\a\""} {
		if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
			t.Fatal(err)
		}
		dir, err := os.OpenRoot("/proc/self/")
		if err != nil {
			t.Fatal(err)
		}
		s, ok := readStat(dir)
		_ = dir.Close()
		check(t, "ok", ok, true)
		check(t, "is "+s.comm, s.isNamed(commOf([]byte(name))), true)
		check(t, "is another", s.isNamed(name+"x"), false)
	}
}

func TestRealProcessesAtStart(t *testing.T) {
	table, a := realTable(t), sleeper(t)
	a.Image, a.CWD = 5, 6
	if err := table.Start(func(f func(*event.Actor)) error { f(a); return nil }); err != nil {
		t.Fatal(err)
	}
	p := table.Describe(a)
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	check(t, "CWD", p.CWD, cwd)
	if table.Stats().Cgroups == 0 {
		lacks(t, "this host shows no cgroups")
	}
}

// lacks skips a test for want of something, which CI must have.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// TestRealCgroups asks this kernel for cgroups that it makes, in every hierarchy.
func TestRealCgroups(t *testing.T) {
	table := realTable(t)
	c := table.cgroups
	if len(c.mounts.dirs) == 0 || os.Geteuid() != 0 {
		lacks(t, "no cgroups, or not root")
	}
	asked := 0
	defer func() {
		if asked == 0 {
			lacks(t, "no hierarchy can be asked")
		}
	}()
	for hierarchy, top := range c.mounts.dirs {
		t.Run(filepath.Base(top), func(t *testing.T) {
			if !isWhole(top) {
				t.Skip("in a cgroup namespace")
			}
			dir, err := os.MkdirTemp(top, "process-test-")
			if err != nil {
				t.Skip("cgroups cannot be made: ", err)
			}
			defer func() { _ = os.Remove(dir) }()
			info, err := os.Lstat(dir)
			if err != nil {
				t.Fatal(err)
			}
			a := sleeper(t)
			a.Cgroup, a.Hierarchy = inode(info), hierarchy
			if hierarchy == 0 && c.mounts.handle != nil {
				path, ok := c.mounts.byHandle(a.Cgroup)
				check(t, "by handle", path, strings.TrimPrefix(dir, top))
				check(t, "known by handle", ok, true)
				path, ok = c.mounts.byHandle(1)
				check(t, "root", path, "/")
				check(t, "root known", ok, true)
				_, ok = c.mounts.byHandle(1 << 50)
				check(t, "one that is not there", ok, false)
			}
			err = os.WriteFile(dir+"/cgroup.procs", fmt.Append(nil, a.PID), 0)
			if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EOPNOTSUPP) {
				t.Skip("no process may join: ", err) // a cpuset without CPUs
			}
			if err != nil {
				t.Fatal(err)
			}
			asked++
			check(t, "path", table.Describe(a).Cgroup, strings.TrimPrefix(dir, top))
			// Leave it, so that it can be removed.
			_ = os.WriteFile(top+"/cgroup.procs", fmt.Append(nil, a.PID), 0)
		})
	}
}

func BenchmarkRealLookup(b *testing.B) {
	dir, err := os.OpenRoot("/proc/self")
	if err != nil {
		b.Fatal(err)
	}
	s, _ := readStat(dir)
	_ = dir.Close()
	self := subject{who: identity{start: s.start * tick, pid: uint32(os.Getpid())}}
	for b.Loop() {
		if readImage("/proc/self", self) == nil {
			b.Fatal("not found")
		}
	}
}
