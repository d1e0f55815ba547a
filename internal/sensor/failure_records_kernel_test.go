//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// failWith end kind path: an exec that fails, made by the helper itself.
var _ = can("failWith", func(args []string) (string, error) {
	path, _ := unix.BytePtrFromString(args[2])
	argv := []*byte{path, nil}
	at := unsafe.Pointer(path)
	switch args[1] {
	case "a long argument":
		argv[0], _ = unix.BytePtrFromString(strings.Repeat("x", 1<<18)) // MAX_ARG_STRLEN is 1 << 17
	case "no name":
		at = nil
	}
	_, _, errno := unix.Syscall(unix.SYS_EXECVE, uintptr(at), uintptr(unsafe.Pointer(&argv[0])), 0)
	return "", wanted(args[0], errno)
})

// failAt end path: execveat of what a descriptor leads to.
var _ = can("failAt", func(args []string) (string, error) {
	fd, err := unix.Open(args[1], unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	c := execFD(fd)
	_, _, errno := unix.Syscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], 0)
	return "", wanted(args[0], errno)
})

// failRaced name: execs of nameA and nameB, of which another thread changes one into the other; tells how each failed.
var _ = can("failRaced", func(args []string) (string, error) {
	path, end := flickering(args[0] + "A")
	defer end()
	argv := []*byte{path, nil}
	var ends []string
	for range 200 {
		_, _, errno := unix.Syscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), 0)
		ends = append(ends, unix.ErrnoName(errno))
	}
	return strings.Join(ends, " "), nil
})

// failures returns the failed ones of execs.
func failures(events []event.Event) []event.Event {
	return slices.DeleteFunc(events, func(e event.Event) bool { return e.Errno == 0 })
}

func TestKernelRecordsOfFailedExecs(t *testing.T) {
	dir := odd(t)
	put := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		fatal(t, os.WriteFile(path, []byte(content), 0o600))
		fatal(t, os.Chmod(path, mode))
		return path
	}
	none := filepath.Join(dir, "no\x01ne")
	plain := put("plain", "text", 0o644)
	noise := put("noise", "no program, and no script", 0o755)
	orphan := put("orphan", "#!/nowhere/interpreter -x\n", 0o755)
	run := func(end string, path string) []string { return []string{end, "", path} }
	for _, c := range []struct {
		name, deed string
		args       []string
		exe        string
		errno      unix.Errno
	}{
		{"what is not there", "failWith", run("ENOENT", none), none, unix.ENOENT},
		{"what is not there, by a short name", "failWith", run("ENOENT", "no\xffne"), "no\xffne", unix.ENOENT},
		{"a directory", "failWith", run("EACCES", dir), dir, unix.EACCES},
		{"what may not be run", "failWith", run("EACCES", plain), plain, unix.EACCES},
		{"what is no program", "failWith", run("ENOEXEC", noise), noise, unix.ENOEXEC},
		{"a script without its interpreter", "failWith", run("ENOENT", orphan), orphan, unix.ENOENT},
		{"a long argument", "failWith", []string{"E2BIG", "a long argument", "/proc/self/exe"}, "/proc/self/exe", unix.E2BIG},
		{"no name", "failWith", []string{"EFAULT", "no name", ""}, "", unix.EFAULT},
		{"a name too long", "failWith", run("ENAMETOOLONG", strings.Repeat("x", 5000)), "", unix.ENAMETOOLONG},
		{"a long name", "failWith", run("ENOENT", strings.Repeat("/xxxxxxx", 511)), strings.Repeat("/xxxxxxx", 511), unix.ENOENT},
		{"what a descriptor leads to", "failAt", []string{"ENOEXEC", noise}, "/dev/fd/", unix.ENOEXEC},
		{"what a descriptor leads to, and may not be run", "failAt", []string{"EACCES", plain}, "/dev/fd/", unix.EACCES},
	} {
		t.Run(c.name, func(t *testing.T) {
			reportEachWay(t, []string{"process.failure"}, func(t *testing.T, r *reporting) {
				h := startHelper(t)
				var got []event.Event
				same(t, r.counted(t, func() {
					got = r.during(t, event.Exec, func() { h.do(c.deed, c.args...) })
				}), Counts{})
				if len(got) != 1 {
					t.Fatalf("%d records: %+v", len(got), got)
				}
				h.of(t, got[0], c.errno)
				exe, want := string(got[0].Exec.Path), c.exe
				if !tellsNames(t) {
					want = ""
				}
				// The number is the helper's. Since Linux 6.8 a file is opened before it has this name.
				if c.deed == "failAt" && (strings.HasPrefix(exe, "/dev/fd/") || exe == "" && c.errno == unix.EACCES) {
					exe = want
				}
				if exe != want || len(got[0].Exec.Args) != 0 {
					t.Errorf("%q instead of %q", exe, want)
				}
			})
		})
	}
}

// TestKernelRecordsOfMissingExecs has none of what is not there unless they are wanted, but counts them.
func TestKernelRecordsOfMissingExecs(t *testing.T) {
	needRoot(t)
	s := Open(Options{
		Process: true, SyscallTracepoints: true, Cgroup: testCgroupID(),
		Report: Report{Classes: only(event.Exec), Rings: [Priorities]uint32{1 << 20, 1 << 20, 4096}},
	})
	t.Cleanup(func() { fatal(t, s.Close()) })
	if programOf(s.Hooks(), "process.failure") == "" {
		t.Skip("not on this kernel: process.failure")
	}
	r, h := s.report(t), startHelper(t)
	dir := t.TempDir()
	fatal(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o600))
	r.settle()
	r.take(event.Exec)
	before, err := s.Ledger()
	fatal(t, err)
	h.do("failWith", "ENOENT", "", "/none/of/these")
	h.do("failWith", "ENOTDIR", "", filepath.Join(dir, "plain", "x"))
	h.do("failWith", "EACCES", "", filepath.Join(dir, "plain"))
	r.settle()
	after, err := s.Ledger()
	fatal(t, err)
	got := r.take(event.Exec)
	if len(got) != 1 || got[0].Errno != uint32(unix.EACCES) {
		t.Errorf("%+v", got)
	}
	if n := after[event.Exec][event.Filtered] - before[event.Exec][event.Filtered]; n != 2 {
		t.Errorf("%d are filtered instead of 2", n)
	}
}

// TestKernelRecordsOfExecsInTurn lets one that fails leave nothing to one that does not, and the other way round.
func TestKernelRecordsOfExecsInTurn(t *testing.T) {
	reportEachWay(t, []string{"process.failure"}, func(t *testing.T, r *reporting) {
		h, path := startHelper(t), systemProgram(t)
		got := r.during(t, event.Exec, func() { h.do("exec", "3", "/none/first", "/none/second", path) })
		var want []string
		for range 3 {
			want = append(want, "/none/first ENOENT", "/none/second ENOENT", path+" ")
		}
		var told []string
		for _, e := range got {
			name := string(e.Exec.Path)
			if e.Errno != 0 && !tellsNames(t) {
				name = want[len(told)%len(want)][:strings.LastIndex(want[len(told)%len(want)], " ")]
			}
			told = append(told, name+" "+unix.ErrnoName(unix.Errno(e.Errno)))
		}
		if !slices.Equal(told, want) {
			t.Errorf("%q", told)
		}
	})
}

func TestKernelRecordsOfRacedExecs(t *testing.T) {
	dir := t.TempDir()
	fatal(t, os.WriteFile(filepath.Join(dir, "xB"), []byte("text"), 0o600)) // EACCES; there is no xA: ENOENT
	reportEachWay(t, []string{"process.failure"}, func(t *testing.T, r *reporting) {
		if !tellsNames(t) {
			return
		}
		h := startHelper(t)
		var ends []string
		got := failures(r.during(t, event.Exec, func() { ends = strings.Fields(h.do("failRaced", dir+"/x")) }))
		if len(got) != len(ends) {
			t.Fatalf("%d records instead of %d", len(got), len(ends))
		}
		for i, e := range got {
			want := map[string]string{"ENOENT": dir + "/xA", "EACCES": dir + "/xB"}[ends[i]]
			if string(e.Exec.Path) != want || unix.ErrnoName(unix.Errno(e.Errno)) != ends[i] {
				t.Errorf("%q %s, want %q %s", e.Exec.Path, unix.ErrnoName(unix.Errno(e.Errno)), want, ends[i])
			}
		}
	})
}
