//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A scratch is a copy of this machine that systemd runs in, in namespaces of
// its own. What is written there is in memory, and gone at the end. Its network
// is a loopback that nobody else has.
type scratch struct {
	*testing.T
	cmd  *exec.Cmd
	root string // its root directory
}

func newScratch(t *testing.T) *scratch {
	t.Helper()
	dir, cgroup := t.TempDir(), scratchCgroup(t)
	script, err := filepath.Abs("testdata/scratch.sh")
	fatal(t, err)
	said := &output{}
	s := &scratch{T: t, cmd: exec.Command(script, dir, cgroup)}
	s.cmd.Stdout, s.cmd.Stderr = said, said
	s.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
		Setsid:     true, Pdeathsig: syscall.SIGKILL,
	}
	fatal(t, s.cmd.Start())
	s.root = fmt.Sprintf("/proc/%d/root", s.cmd.Process.Pid)
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // and with the first process all others
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("systemd said:\n%s", said)
		}
	})
	eventually(t, "a systemd that answers", func() bool {
		_, err := s.try("systemctl", "show", "--property=Version")
		return err == nil
	})
	return s
}

// scratchCgroup is one of version 2 for the processes of a test.
func scratchCgroup(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	fatal(t, err)
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); f[2] == "cgroup2" {
			dir, err := os.MkdirTemp(f[1], "e2e-")
			fatal(t, err)
			t.Cleanup(func() { eventually(t, "an empty cgroup", func() bool { return removeCgroup(dir) == nil }) })
			return dir
		}
	}
	t.Fatal("no cgroup file system of version 2 is mounted")
	return ""
}

func removeCgroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	slices.Reverse(dirs) // what is below comes first
	for _, d := range dirs {
		err = errors.Join(err, os.Remove(d))
	}
	return err
}

// try runs a command in the copy.
func (s *scratch) try(args ...string) (string, error) {
	cmd := exec.Command("nsenter", append([]string{
		"--target", fmt.Sprint(s.cmd.Process.Pid), "--all", "--",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
	}, args...)...)
	// A file, as it does not wait for those who stay behind and hold a pipe.
	said, err := os.CreateTemp(s.TempDir(), "said")
	fatal(s, err)
	defer func() { _ = said.Close() }()
	cmd.Stdout, cmd.Stderr = said, said
	ended := cmd.Run()
	text, err := os.ReadFile(said.Name())
	fatal(s, err)
	return string(text), ended
}

// run runs a command that must succeed.
func (s *scratch) run(args ...string) string {
	s.Helper()
	said, err := s.try(args...)
	if err != nil {
		s.Fatalf("%v: %v\n%s", args, err, said)
	}
	return said
}

// put copies a file of this machine into the copy, for anybody to read.
func (s *scratch) put(from, to string) {
	s.Helper()
	content, err := os.ReadFile(from)
	fatal(s, err)
	s.write(to, string(content))
}

func (s *scratch) write(to, content string) {
	s.Helper()
	fatal(s, os.MkdirAll(filepath.Dir(s.root+to), 0o755))
	fatal(s, os.WriteFile(s.root+to, []byte(content), 0o644))
}

func (s *scratch) read(path string) string {
	s.Helper()
	content, err := os.ReadFile(s.root + path)
	fatal(s, err)
	return string(content)
}

func (s *scratch) has(path string) bool {
	_, err := os.Lstat(s.root + path)
	return err == nil
}
