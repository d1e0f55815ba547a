//go:build linux && (amd64 || arm64)

package sensor

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// helpersRecords reports what helpers do, but for files and networks.
var helpersRecords = reported(func() Options {
	return Options{
		Process: true, SyscallTracepoints: true,
		WorldWritableDirs: []string{"/tmp", "/dev/shm", "/var/tmp"},
		Cgroup:            testCgroupID(),
		Report:            Report{Classes: [event.KernelClasses]bool{event.Exec: true, event.Exit: true}, Rings: allRecords().Rings},
	}
})

// succeeded are those that did not fail.
func succeeded(events []event.Event) (ok []event.Event) {
	for _, e := range events {
		if e.Errno == 0 {
			ok = append(ok, e)
		}
	}
	return ok
}

// An execCase runs programs by a deed, each of which is one record.
type execCase struct {
	name string
	deed []string // its path is %s
	path func(*testing.T) string
	// want is the path of the records, %s for the case's own; "" if it has none to compare.
	want  string
	args  []string
	kind  event.ProcessType
	flags event.ExecFlags
	child bool // the records are about children of the helper
}

func TestKernelRecordsOfExec(t *testing.T) {
	r := helpersRecords(t)
	for _, c := range []execCase{
		{"fork and execve", []string{"exec", "3", "%s"}, systemProgram, "%s", []string{"%s"}, event.System, 0, true},
		{"vfork and execve", []string{"vfork", "3", "%s"}, systemProgram, "%s", []string{"%s"}, event.System, 0, true},
		{"clone3 and execve", []string{"clone3", "3", "%s"}, systemProgram, "%s", []string{"%s"}, event.System, 0, true},
		{"execveat", []string{"execFDs", "3", "path", "%s"}, systemProgram, "%s", []string{""}, event.System, 0, true},
		{"deleted", []string{"execFDs", "3", "deleted", "%s"}, systemProgram, "", []string{""}, event.Suspicious, event.ExecDeleted, true},
		{"memfd", []string{"execFDs", "3", "memfd", "%s"}, systemProgram, "/memfd:x", []string{""}, event.Suspicious, event.ExecMemfd, true},
		{"in /tmp", []string{"exec", "3", "%s"}, tmpProgram, "%s", []string{"%s"}, event.Suspicious, 0, true},
		{"through a link", []string{"exec", "3", "%s.link"}, linkedProgram, "%s", []string{"%s.link"}, event.System, 0, true},
		{"set-user-id", []string{"exec", "3", "%s"}, setuidProgram, "%s", []string{"%s"}, event.System, event.ExecSetuid, true},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, r) })
	}
}

func linkedProgram(t *testing.T) string {
	path := systemProgram(t)
	fatal(t, os.Symlink(path, path+".link"))
	return path
}

func setuidProgram(t *testing.T) string {
	path := systemProgram(t)
	fatal(t, os.Chmod(path, 0o755|os.ModeSetuid))
	return path
}

func (c execCase) run(t *testing.T, r *reporting) {
	h, path := startHelper(t), c.path(t)
	fill := func(s string) string { return strings.ReplaceAll(s, "%s", path) }
	var order []string
	for _, word := range c.deed {
		order = append(order, fill(word))
	}
	got := succeeded(r.during(t, event.Exec, func() { h.do(order[0], order[1:]...) }))
	if len(got) != 3 {
		t.Fatalf("%d records instead of 3", len(got))
	}
	var want []byte
	for _, arg := range c.args {
		want = append(append(want, fill(arg)...), 0)
	}
	for _, e := range got {
		x, a := e.Exec, e.Actor
		if c.want != "" && string(x.Path) != fill(c.want) || x.Flags != c.flags || a.Type != c.kind {
			t.Errorf("path %q, flags %b, type %s", x.Path, x.Flags, a.Type)
		}
		if !bytes.Equal(x.Args, want) || x.ArgsTotal != uint32(len(want)) {
			t.Errorf("args %q of %d bytes instead of %q", x.Args, x.ArgsTotal, want)
		}
		if int(a.ParentPID) != h.cmd.Process.Pid || a.PID == a.ParentPID || a.Image == 0 || a.ParentImage == 0 || a.Start == 0 || a.ParentStart == 0 {
			t.Errorf("actor %+v", a)
		}
		if e.Weight != 1 || string(x.CWD) != cwd(t) || x.Session != session(t) {
			t.Errorf("weight %d, working directory %q, session %d", e.Weight, x.CWD, x.Session)
		}
		if age := time.Since(time.Unix(0, e.Time)); age < 0 || age > time.Minute {
			t.Errorf("happened %s ago", age)
		}
	}
}

func session(t *testing.T) uint32 {
	t.Helper()
	sid, err := unix.Getsid(0)
	fatal(t, err)
	return uint32(sid)
}

func cwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	fatal(t, err)
	return dir
}

// clone3 n path: by the younger clone.
var _ = can("clone3", times(func(n int, args []string) error {
	return expect("exit 0", n, func() (int, error) { return forkAs(0, execve(args[0])) })
}))

func TestKernelRecordsOfExecOfAScript(t *testing.T) {
	r, h := helpersRecords(t), startHelper(t)
	interpreter := systemProgram(t)
	script := filepath.Join(filepath.Dir(interpreter), "script")
	fatal(t, os.WriteFile(script, []byte("#!"+interpreter+" -x\n"), 0o755))
	got := succeeded(r.during(t, event.Exec, func() { h.do("exec", "1", script) }))
	if len(got) != 1 {
		t.Fatalf("%d records instead of 1", len(got))
	}
	x := got[0].Exec
	if want := interpreter + "\x00-x\x00" + script + "\x00"; string(x.Args) != want || string(x.Path) != interpreter || x.Flags != event.ExecScript {
		t.Errorf("%q with %q, flags %b", x.Path, x.Args, x.Flags)
	}
}

// A helper runs path with arguments of 4096 bytes, of which the last is another.
var _ = can("exec with many arguments", func(args []string) (string, error) {
	argv := []string{args[0]}
	for i := range 31 {
		argv = append(argv, strings.Repeat(string(rune('a'+i%26)), 4096))
	}
	return "", expect("exit 0", 1, func() (int, error) { return syscall.ForkExec(args[0], append(argv, "payload"), nil) })
})

func TestKernelRecordsOfManyArguments(t *testing.T) {
	r, h, path := helpersRecords(t), startHelper(t), systemProgram(t)
	got := succeeded(r.during(t, event.Exec, func() { h.do("exec with many arguments", path) }))
	if len(got) != 1 {
		t.Fatalf("%d records instead of 1", len(got))
	}
	x := got[0].Exec
	total := len(path) + 1 + 31*4097 + len("payload") + 1
	if len(x.Args) != argsMax || int(x.ArgsTotal) != total {
		t.Errorf("%d of %d bytes instead of %d of %d", len(x.Args), x.ArgsTotal, argsMax, total)
	}
	if want := path + "\x00" + strings.Repeat("a", 4096) + "\x00" + strings.Repeat("b", 4096) + "\x00"; !strings.HasPrefix(string(x.Args), want) {
		t.Errorf("begins with %q", x.Args[:100])
	}
}

func TestKernelRecordsOfExecOfItself(t *testing.T) {
	r := helpersRecords(t)
	for _, deed := range []string{"execOnLeader", "execHere"} {
		t.Run(deed, func(t *testing.T) {
			h, path := startHelper(t), systemProgram(t)
			got := r.during(t, event.Exec, func() { h.endBy(deed, path) })
			if len(got) != 1 {
				t.Fatalf("%d records instead of 1", len(got))
			}
			if a := got[0].Actor; int(a.PID) != h.cmd.Process.Pid || a.TID != a.PID || string(got[0].Exec.Path) != path {
				t.Errorf("%+v ran %q", a, got[0].Exec.Path)
			}
		})
	}
}

// echo is the variable by which the test binary, run as a program, is told where to write what it was run as.
const echo = "SENSOR_ECHO"

func echoIfAsked() {
	if file := os.Getenv(echo); file != "" {
		exe, _ := os.Readlink("/proc/self/exe")
		raw, _ := os.ReadFile("/proc/self/cmdline")
		_ = os.WriteFile(file, append([]byte(exe+"\x00"), raw...), 0o600)
		os.Exit(0)
	}
}

// A helper becomes a program while another thread changes the name of it, and an
// argument. args are the path without its last letter, which is a or b, and where the program writes.
var _ = can("exec while the arguments change", func(args []string) (string, error) {
	path, arg := []byte(args[0]+"a\x00"), []byte("innocent-a\x00")
	env, err := unix.BytePtrFromString(echo + "=" + args[1])
	if err != nil {
		return "", err
	}
	argv := []*byte{&arg[0], &arg[0], nil}
	envp := []*byte{env, nil}
	go func() {
		for {
			for _, last := range []byte("ab") {
				(*atomic.Uint32)(unsafe.Pointer(new(uint32))).Store(0) // no optimiser moves the writes
				path[len(path)-2], arg[len(arg)-2] = last, last
			}
		}
	}()
	time.Sleep(time.Millisecond)
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])))
	return "", errno
})

func TestKernelRecordsOfExecWhileItsArgumentsChange(t *testing.T) {
	r, dir := helpersRecords(t), dirIn(t, "/home")
	for _, last := range []string{"a", "b"} {
		fatal(t, os.Link(exeLink(t, dir), filepath.Join(dir, "program-"+last)))
	}
	seen := make(map[string]int)
	for i := range 20 {
		h, file := startHelper(t), filepath.Join(dir, "echo"+strconv.Itoa(i))
		got := r.during(t, event.Exec, func() {
			h.endBy("exec while the arguments change", filepath.Join(dir, "program-"), file)
		})
		if len(got) != 1 {
			t.Fatalf("%d records instead of 1", len(got))
		}
		want, err := os.ReadFile(file)
		fatal(t, err)
		if told := fmt.Sprintf("%s\x00%s", got[0].Exec.Path, got[0].Exec.Args); told != string(want) {
			t.Errorf("told %q, was %q", told, want)
		}
		seen[string(want[strings.IndexByte(string(want), 0)-1:])]++
	}
	t.Logf("%q", slices.Sorted(maps.Keys(seen)))
}

// exeLink makes a copy of the test binary in dir.
func exeLink(t *testing.T, dir string) string {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/exe")
	fatal(t, err)
	path := filepath.Join(dir, "original")
	fatal(t, os.WriteFile(path, raw, 0o755))
	return path
}

func TestKernelRecordsOfExit(t *testing.T) {
	r, h, path := helpersRecords(t), startHelper(t), systemProgram(t)
	got := r.during(t, event.Exit, func() { h.do("exec", "3", path) })
	if len(got) != 3 {
		t.Fatalf("%d records instead of 3", len(got))
	}
	for _, e := range got {
		if e.Exit != (event.ExitEvent{}) || int(e.Actor.ParentPID) != h.cmd.Process.Pid || e.Actor.Image == 0 {
			t.Errorf("%+v by %+v", e.Exit, e.Actor)
		}
	}
	fails := r.during(t, event.Exit, func() { h.do("fail", "2", "exit 2", "/none") })
	if len(fails) != 2 || fails[0].Exit.Code != 2 || fails[0].Exit.Signal != 0 {
		t.Errorf("%d records, %+v", len(fails), fails)
	}
	killed := r.during(t, event.Exit, func() { fatal(t, h.cmd.Process.Kill()); _ = h.cmd.Wait() })
	if len(killed) != 1 || killed[0].Exit.Signal != 9 || int(killed[0].Actor.PID) != h.cmd.Process.Pid {
		t.Errorf("%d records, %+v", len(killed), killed)
	}
}

// The images of children lead to what their parents were run as.
func TestKernelImagesAreInherited(t *testing.T) {
	r, h := helpersRecords(t), startHelper(t)
	exits := r.during(t, event.Exit, func() { h.do("fork", "2") })
	if len(exits) != 2 {
		t.Fatalf("%d records instead of 2", len(exits))
	}
	for _, e := range exits {
		if e.Actor.Image == 0 || e.Actor.Image != e.Actor.ParentImage || int(e.Actor.ParentPID) != h.cmd.Process.Pid {
			t.Errorf("%+v", e.Actor)
		}
	}
	known := false
	fatal(t, r.Processes(func(a *event.Actor) {
		known = known || int(a.PID) == h.cmd.Process.Pid && a.Image == exits[0].Actor.Image && a.Start == exits[0].Actor.ParentStart
	}))
	if !known {
		t.Error("the kernel does not know the helper")
	}
}
