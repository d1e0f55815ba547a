//go:build linux && host

package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// alone runs a test of this program again, where it is the first process and
// has a network, mounts and /proc of its own.
func alone(t *testing.T, test string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		exe, "-test.run", "^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), "INSIDE="+test)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Fatalf("inside the namespaces: %v", err)
	}
}

// TestHostPorts compares the ports of a network of its own with those of ss.
func TestHostPorts(t *testing.T) {
	if os.Getenv("INSIDE") != t.Name() {
		alone(t, t.Name())
		return
	}
	output(t, "ip", "link", "set", "lo", "up")
	output(t, "ip", "addr", "add", "2001:db8::12:3456/128", "dev", "lo", "nodad")
	listen(t, "tcp4", "127.0.0.1:1001")
	listen(t, "tcp4", "0.0.0.0:1002")
	listen(t, "tcp4", "0.0.0.0:1002") // the same port once more
	listen(t, "tcp6", "[::1]:1003")
	listen(t, "tcp6", "[2001:db8::12:3456]:1004")
	listen(t, "tcp", ":1005") // both
	packets(t, "udp4", "127.0.0.1:1006")
	packets(t, "udp6", "[2001:db8::12:3456]:1007")
	packets(t, "udp", ":1008")
	connect(t, "udp", "127.0.0.1:1006")
	connect(t, "tcp", "127.0.0.1:1002")
	version := python(t)
	elsewhere(t)

	want := ssPorts(t)
	got := map[string]bool{}
	o := one(t, ports(), hostAt(t, "/"))
	for _, p := range o.Points {
		got[portLine(p)] = true
		switch name := p.Label("app_name"); p.Label("process") {
		case "check.test":
			equal(t, "name of a Go program", name, "check.test")
		default:
			equal(t, "version of Python's package "+name, p.Label("version"), version[name])
		}
	}
	equal(t, "status", o.Status, OK)
	if len(want) < 9 {
		t.Errorf("ss shows only %v", want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ss and we (-ss +we):\n%s", diff)
	}
}

// TestHostSockets compares the ports of this machine with those of ss. Where
// a process may not be looked at, the check has to say so, and only there.
func TestHostSockets(t *testing.T) {
	hidden := hiddenProcess(t)
	steady(t, func(t *testing.T) map[string]bool { return ssPorts(t) }, func() (map[string]bool, error) {
		got := map[string]bool{}
		o := one(t, ports(), hostAt(t, "/"))
		for _, p := range o.Points {
			got[portLine(p)] = true
		}
		equal(t, "that a process may not be looked at ("+hidden+")", errors.Is(o.Err, fs.ErrPermission), hidden != "")
		if hidden != "" && errors.Is(o.Err, fs.ErrPermission) {
			return got, nil
		}
		return got, o.Err
	})
}

// hiddenProcess is one whose program even who runs this may not see, as a
// machine's own first process can be.
func hiddenProcess(t testing.TB) string {
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil || len(all) == 0 {
		t.Fatalf("no process in /proc: %v", err)
	}
	for _, name := range all {
		if _, err := os.Readlink(name); errors.Is(err, fs.ErrPermission) {
			return name
		}
	}
	return ""
}

// portLine is a point as ssPorts has it.
func portLine(p Point) string {
	at := netip.MustParseAddr(p.Label("local_ip"))
	return fmt.Sprintf("%s %s %s:%s %s", strings.TrimSuffix(p.Label("protocol"), "6"), p.Label("state"), at,
		p.Label("local_port"), p.Label("process"))
}

// ssPorts are the sockets of ss, without the protocol's version.
func ssPorts(t testing.TB) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(output(t, "ss", "-H", "-lntup")) {
		fields := strings.Fields(line)
		at := strings.LastIndexByte(fields[4], ':')
		addr := strings.Trim(strings.ReplaceAll(fields[4][:at], "*", "::"), "[]")
		if len(fields) < 7 { // nobody's that can be seen
			fields = append(fields, `("`+unknown+`"`)
		}
		for user := range strings.SplitSeq(fields[6], `("`) {
			if name, _, ok := strings.Cut(user, `"`); ok {
				all[fmt.Sprintf("%s %s %s:%s %s", fields[0], fields[1], addr, fields[4][at+1:], name)] = true
			}
		}
	}
	return all
}

// python runs a server of a package, and returns the versions of packages.
func python(t testing.TB) map[string]string {
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "1009")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:1009")
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	versions := map[string]string{}
	for p := range dpkgVersions(t) {
		if strings.HasPrefix(p.name, "python3") {
			versions[p.name] = p.version
		}
	}
	return versions
}

// elsewhere runs a server in another network, as containers have it.
func elsewhere(t testing.TB) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "1010")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", cmd.Process.Pid))
		if err == nil && strings.Contains(string(b), fmt.Sprintf(":%04X ", 1010)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the other server does not listen", err)
		}
	}
}

// listen waits for connections, also on a port that someone else waits on.
func listen(t testing.TB, network, address string) {
	t.Helper()
	c := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
	}}
	l, err := c.Listen(context.Background(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

func packets(t testing.TB, network, address string) {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

func connect(t testing.TB, network, address string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

// sleeper is a copy of a program that does nothing for long.
func sleeper(t testing.TB, name string) {
	t.Helper()
	b, err := os.ReadFile("/bin/sleep")
	if err == nil {
		err = os.WriteFile(name, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sleeps starts a command that sleeps, and returns what is said of its program.
func sleeps(t testing.TB, name string, args ...string) func() program {
	t.Helper()
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	h := hostAt(t, "/")
	return func() program {
		t.Helper()
		all, _ := NewHost(h.fs, h.Options).Processes() // a sandbox may hide others
		i := slices.IndexFunc(all, func(p Process) bool { return p.PID == cmd.Process.Pid })
		return h.executables().of(all[i])
	}
}

// TestHostOpenExe finds the program of a process that is deleted, and not what
// has taken its name.
func TestHostOpenExe(t *testing.T) {
	name := t.TempDir() + "/sleeper"
	sleeper(t, name)
	describe := sleeps(t, name, "1000")
	p := describe()
	equal(t, "path", p.path, name)
	equal(t, "it is the host's", p.isHosts, true)
	if err := errors.Join(os.Remove(name), os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	p = describe()
	equal(t, "path", p.path, name)
	equal(t, "it is the host's", p.isHosts, false)
	equal(t, "it is deleted", p.isDeleted, true)
	f, err := hostAt(t, "/").openProgram(p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	equal(t, "error", err, nil)
	there, err := os.Stat("/bin/sleep")
	equal(t, "error", err, nil)
	equal(t, "size", info.Size(), there.Size())
}

// TestHostExeNamedDeleted is not misled by a name.
func TestHostExeNamedDeleted(t *testing.T) {
	name := t.TempDir() + "/sleeper (deleted)"
	sleeper(t, name)
	p := sleeps(t, name, "1000")()
	equal(t, "path", p.path, name)
	equal(t, "it is the host's", p.isHosts, true)
	equal(t, "it is deleted", p.isDeleted, false)
}

// TestHostExeOfContainer tells programs apart that have one name and one time,
// each in a mount namespace of its own.
func TestHostExeOfContainer(t *testing.T) {
	dir := t.TempDir()
	name, other := dir+"/sleeper", dir+"/other"
	for _, file := range []string{name, other} {
		sleeper(t, file)
		if err := os.Chtimes(file, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	ours := sleeps(t, name, "1000")()
	inside := sleeps(t, "unshare", "--mount", "sh", "-c", "mount --bind "+other+" "+name+"; exec "+name+" 1000")
	theirs := inside()
	for deadline := time.Now().Add(time.Minute); theirs.path != name && time.Now().Before(deadline); theirs = inside() {
		time.Sleep(10 * time.Millisecond)
	}
	equal(t, "path", theirs.path, name)
	equal(t, "ours is the host's", ours.isHosts, true)
	equal(t, "theirs is the host's", theirs.isHosts, false)
	if ours.key == theirs.key {
		t.Errorf("both are %q", ours.key)
	}
}
