//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

const containerID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// inNewCgroup makes a cgroup below the tests' own and places a helper there.
func inNewCgroup(t *testing.T, name string) func(*exec.Cmd) {
	t.Helper()
	parts := strings.Split(name, "/")
	for i := range parts {
		dir := filepath.Join(append([]string{testCgroup()}, parts[:i+1]...)...)
		fatal(t, os.Mkdir(dir, 0o755))
		t.Cleanup(func() { fatal(t, os.Remove(dir)) })
	}
	return inCgroup(name)
}

func inNamespaces(flags uintptr) func(*exec.Cmd) {
	return func(c *exec.Cmd) { c.SysProcAttr.Cloneflags |= flags }
}

func TestKernelProcessContainer(t *testing.T) {
	s, path := helpersSensor(t), systemProgram(t)
	const both = unix.CLONE_NEWPID | unix.CLONE_NEWNS
	for _, c := range []struct {
		name   string
		cgroup string
		spaces uintptr
		times  string
		want   event.ProcessType
	}{
		{"a container of Docker", "docker-" + containerID + ".scope", both, "200", event.Container},
		{"by its cgroup alone", "docker-" + containerID + ".scope", 0, "3", event.Container},
		{"by the bare id of cgroupfs drivers", "docker/" + containerID, 0, "3", event.Container},
		{"in a pod of Kubernetes", "kubepods.slice/cri-containerd-" + containerID + ".scope", 0, "3", event.Container},
		{"by a cgroup that it made itself", "crio-" + containerID + ".scope/init.scope", 0, "3", event.Container},
		{"by namespaces alone", "", both, "3", event.Container},
		{"a pid namespace alone is none", "", unix.CLONE_NEWPID, "3", event.System},
		{"a mount namespace alone, as systemd's, is none", "", unix.CLONE_NEWNS, "3", event.System},
		{"the monitor of a container is none", "crio-conmon-" + containerID + ".scope", 0, "3", event.System},
		{"the monitor of podman is none", "libpod-conmon-" + containerID + ".scope", 0, "3", event.System},
		{"63 digits are no id", "docker-" + containerID[1:] + ".scope", 0, "3", event.System},
		{"64 letters that are no digits are no id", "docker-" + strings.Replace(containerID, "0", "g", 1) + ".scope", 0, "3", event.System},
		{"a service is none", "ssh.service", 0, "3", event.System},
	} {
		t.Run(c.name, func(t *testing.T) {
			with := []func(*exec.Cmd){inNamespaces(c.spaces)}
			if c.cgroup != "" {
				with = append(with, inNewCgroup(t, c.cgroup))
			}
			h := startHelper(t, with...)
			n := uint64(3)
			if c.times == "200" {
				n = 200
			}
			same(t, s.counted(t, func() { h.do("exec", c.times, path) }), ran(n, c.want))
			h.end() // before its cgroup goes
		})
	}
}

func TestKernelProcessSuspiciousInContainer(t *testing.T) {
	s, path := helpersSensor(t), tmpProgram(t)
	h := startHelper(t, inNewCgroup(t, "docker-"+containerID+".scope"))
	defer h.end()
	same(t, s.counted(t, func() { h.do("exec", "3", path) }), ran(3, event.Suspicious))
}

// chmod gives the file that is made by a function another mode.
func chmod(create func(*testing.T) string, mode uint32) func(*testing.T) string {
	return func(t *testing.T) string {
		path := create(t)
		fatal(t, syscall.Chmod(path, mode))
		return path
	}
}

// linked gives a link in one directory to a file in another.
func linked(dir string, link func(to, name string) error, create func(*testing.T) string) func(*testing.T) string {
	return func(t *testing.T) string {
		name := filepath.Join(dirIn(t, dir), "link")
		fatal(t, link(create(t), name))
		return name
	}
}

// below makes an executable far below a directory.
func below(dir string, names ...string) func(*testing.T) string {
	return func(t *testing.T) string {
		at := dirIn(t, dir)
		before, err := os.Getwd()
		fatal(t, err)
		fatal(t, os.Chdir(at))
		defer func() { fatal(t, os.Chdir(before)) }() // relative, as the path may be longer than one may be
		for _, n := range names[:len(names)-1] {
			fatal(t, os.Mkdir(n, 0o755))
			fatal(t, os.Chdir(n))
		}
		executable(t, names[len(names)-1])
		return filepath.Join(append([]string{at}, names...)...)
	}
}

func script(dir string) func(*testing.T) string {
	return func(t *testing.T) string {
		interpreter, path := systemProgram(t), filepath.Join(dirIn(t, dir), "script")
		fatal(t, os.WriteFile(path, []byte("#!"+interpreter+" x\n"), 0o755))
		return path
	}
}

func TestKernelProcessPaths(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	depth := func(n int) []string { return strings.Split(strings.Repeat("d/", n)+"true", "/") }
	long := strings.Repeat("n", 255)
	for _, c := range []struct {
		name string
		path func(*testing.T) string
		want event.ProcessType
	}{
		{"/usr/../tmp is /tmp", func(t *testing.T) string { return "/usr/.." + tmpProgram(t) }, event.Suspicious},
		{"a symbolic link in /usr to /tmp", linked("/usr/lib", os.Symlink, tmpProgram), event.Suspicious},
		{"a symbolic link in /tmp to /usr", linked("/tmp", os.Symlink, systemProgram), event.System},
		{"/proc/self/root is /", func(t *testing.T) string { return "/proc/self/root" + tmpProgram(t) }, event.Suspicious},
		{"in /usr and writable by others", chmod(systemProgram, 0o757), event.User},
		{"in /usr and writable by its group", chmod(systemProgram, 0o775), event.System},
		{"in /opt", below("/opt", "true"), event.System},
		{"in /root", below("/root", "true"), event.User},
		{"in /var/tmp", below("/var/tmp", "true"), event.Suspicious},
		{"in /dev/shm", below("/dev/shm", "true"), event.Suspicious},
		{"in a directory that begins like /tmp", below("/", "tmp", "true"), event.User},
		{"20 directories below /tmp", below("/tmp", depth(20)...), event.Suspicious},
		{"120 directories below /usr", below("/usr/lib", depth(120)...), event.System},
		{"too deep below /usr to be sure", below("/usr/lib", depth(130)...), event.Suspicious},
		{"a path of 1,300 bytes below /tmp", below("/tmp", long, long, long, long, long, "true"), event.Suspicious},
		{"a path of 1,300 bytes below /usr", below("/usr/lib", long, long, long, long, long, "true"), event.System},
		{"a name of 255 bytes below /tmp", below("/tmp", long), event.Suspicious},
		{"control characters", below("/tmp", "\x01\x02\n\r\t\x1b[31m\x7f"), event.Suspicious},
		{"invalid UTF-8", below("/tmp", "\xff\xfe\xc3\x28\xa0\xf0\x9f"), event.Suspicious},
		{"a script is run once", script("/usr/lib"), event.System},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t)
			same(t, s.counted(t, func() { h.do("exec", "3", path) }), ran(3, c.want))
		})
	}
}

func TestKernelProcessScripts(t *testing.T) {
	s := helpersSensor(t)
	for _, c := range []struct {
		name      string
		dir       string // of the script
		from, run func(path string) string
		want      event.ProcessType
	}{
		{"in /usr, by its path", "/usr/lib", anywhere, asIs, event.System},
		{"in /tmp, by its path", "/tmp", anywhere, asIs, event.Suspicious},
		{"in /tmp, from its directory", "/tmp", filepath.Dir, filepath.Base, event.Suspicious},
		{"in /tmp, from /tmp", "/tmp", topDir, belowTop, event.Suspicious},
		{"in /usr, from its directory", "/usr/lib", filepath.Dir, filepath.Base, event.System},
		{"in /usr, by its path, from /tmp", "/usr/lib", func(string) string { return "/tmp" }, asIs, event.System},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, path := startHelper(t), script(c.dir)(t)
			h.do("chdir", c.from(path))
			same(t, s.counted(t, func() { h.do("exec", "3", c.run(path)) }), ran(3, c.want))
		})
	}
}

func anywhere(string) string      { return "/" }
func asIs(path string) string     { return path }
func topDir(path string) string   { return "/" + strings.Split(path, "/")[1] }
func belowTop(path string) string { return strings.TrimPrefix(path, topDir(path)+"/") }

func TestKernelProcessReverseShell(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	for _, c := range []struct {
		name          string
		program       string
		input, output string
		want          event.ProcessType
	}{
		{"a shell that reads from a connection", "bash", "tcp", "", event.Suspicious},
		{"a shell that writes to a connection", "bash", "", "tcp", event.Suspicious},
		{"over IPv6", "sh", "tcp6", "tcp6", event.Suspicious},
		{"an interpreter with its version", "python3.11", "tcp", "tcp", event.Suspicious},
		{"a shell on a socket of the host", "bash", "unix", "unix", event.System},
		{"a shell on a socket that listens, as FastCGI's", "php-cgi8.2", "listening", "", event.System},
		{"a shell on files", "bash", "file", "file", event.System},
		{"a server started by inetd", "in.tftpd", "tcp", "tcp", event.System},
		{"a name that begins like a shell's", "bashful", "tcp", "tcp", event.System},
		{"a long name that begins like an interpreter's", "python-a-name-longer-than-sixteen", "tcp", "", event.Suspicious},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := below("/usr/lib", c.program)(t)
			got := s.counted(t, func() { h.do("execWith", "3", path, c.input, c.output) })
			same(t, got, ran(3, c.want))
		})
	}
}

// TestKernelCgroupIsToldFirst runs the first programs of new containers, several at a time.
func TestKernelCgroupIsToldFirst(t *testing.T) {
	r := helpersRecords(t)
	programs := []string{tmpProgram(t), tmpProgram(t), systemProgram(t)}
	r.take(event.Exec)
	before, err := r.Count()
	fatal(t, err)
	for i := range 20 {
		place := inNewCgroup(t, fmt.Sprintf("docker-%02d%s.scope", i, containerID[2:]))
		var all sync.WaitGroup
		for _, path := range programs {
			c := &exec.Cmd{Path: path, Args: []string{path}, SysProcAttr: &syscall.SysProcAttr{}}
			place(c)
			defer closeCgroup(c)
			fatal(t, c.Start())
			all.Go(func() {
				if err := c.Wait(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	r.settle()
	after, err := r.Count()
	fatal(t, err)
	if n, skipped := len(succeeded(r.take(event.Exec))), int(after.Missed-before.Missed); n > 60 || n < 60-skipped {
		t.Errorf("%d records instead of 60, the kernel skipped %d runs of programs", n, skipped)
	}
	for _, e := range r.early {
		t.Errorf("%s came before its cgroup", e.Exec.Path)
	}
}
