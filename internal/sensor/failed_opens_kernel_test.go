//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// Opens a file that cannot be opened: args are how often, as which user, in which directory, and the path.
var _ = can("fail to open", func(args []string) (string, error) {
	n, err := strconv.Atoi(args[0])
	uid, err2 := strconv.Atoi(args[1])
	if err := errors.Join(err, err2, unix.Chdir(args[2])); err != nil {
		return "", err
	}
	if uid != 0 {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			return "", errno
		}
		defer func() { _, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0)) }()
	}
	var last error
	for range n {
		fd, err := unix.Openat(unix.AT_FDCWD, args[3], unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
			return "", errors.New("it could be opened")
		}
		last = err
	}
	var errno unix.Errno
	errors.As(last, &errno)
	return unix.ErrnoName(errno), nil
})

func TestKernelRecordsOfFailedOpens(t *testing.T) {
	failures := fileHooks(Report{Classes: only(event.FileOpen), FailedOpens: true})[1]
	served := false
	for i, w := range failures.ways {
		t.Run(w.programs[0].name+strconv.Itoa(i), func(t *testing.T) { served = failedOpens(t, w) || served })
	}
	if !served {
		t.Skip("not on this kernel: file.failure: nothing sees the kernel's copy of the name")
	}
}

// failedOpens opens what cannot be opened, and is false if this way cannot be gone.
func failedOpens(t *testing.T, w way) bool {
	needRoot(t)
	needShadow(t)
	dir := dirIn(t, "/home")
	fatal(t, os.Chmod(shadow, 0o600))
	s := open(Options{
		Watch: watchList(dir), Cgroup: testCgroupID(),
		Report: Report{Classes: only(event.FileOpen), FailedOpens: true, Rings: [Priorities]uint32{Low: 1 << 20}},
	}, []hook{{"file.failure", []way{w}}})
	t.Cleanup(func() { fatal(t, s.Close()) })
	if h := s.Hooks()[0]; h.Program == "" {
		t.Skipf("not on this kernel: %s: %v", h.Name, h.Err)
	}
	r := s.report(t)
	for _, c := range []struct {
		name, uid, cwd, path, want string
		n                          int
		errno                      unix.Errno
	}{
		{"missing", "0", "/", dir + "/later", dir + "/later", 50, unix.ENOENT},
		{"missing, relative", "0", dir, "later", dir + "/later", 50, unix.ENOENT},
		{"relative to the root", "12345", "/", "etc/shadow", shadow, 50, unix.EACCES},
		{"denied", "12345", "/", shadow, shadow, 50, unix.EACCES},
		{"no directory", "0", "/", shadow + "/x", "", 0, unix.ENOTDIR},
		{"not watched", "0", "/", dir + "/other", "", 0, unix.ENOENT},
		{"no name", "0", "/", "", "", 0, unix.ENOENT},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startHelper(t)
			var counts Counts
			got := r.during(t, event.FileOpen, func() {
				counts = s.counted(t, func() { h.do("fail to open", "50", c.uid, c.cwd, c.path) })
			})
			same(t, counts, Counts{})
			if len(got) != c.n {
				t.Fatalf("%d records instead of %d", len(got), c.n)
			}
			for _, e := range got {
				if string(e.File.Path) != c.want || unix.Errno(e.Errno) != c.errno || e.File.Severity != event.Critical {
					t.Fatalf("%q, %s, %s", e.File.Path, unix.ErrnoName(unix.Errno(e.Errno)), e.File.Severity)
				}
				if int(e.Actor.PID) != h.cmd.Process.Pid || strconv.Itoa(int(e.Actor.EUID)) != c.uid {
					t.Fatalf("%+v", e.Actor)
				}
			}
		})
	}
	return true
}
