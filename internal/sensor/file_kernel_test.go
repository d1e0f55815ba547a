//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestKernelFileOpen opens files in every way there is.
func TestKernelFileOpen(t *testing.T) {
	needRoot(t)
	needShadow(t)
	dir := t.TempDir()
	fatal(t, makeFiles(dir))
	h := startHelper(t)
	h.do("own mounts")
	s := Open(Options{
		File: true, Watch: watchList(dir), Cgroup: testCgroupID(), SyscallTracepoints: true,
		Report: Report{Classes: only(event.FileOpen), Rings: [Priorities]uint32{Low: 8 << 20}},
	})
	t.Cleanup(func() { fatal(t, s.Close()) })
	mustServe(t, s.Hooks())
	t.Logf("%+v", s.Hooks())
	r := s.report(t)
	for _, c := range allFileCases() {
		t.Run(c.name, func(t *testing.T) {
			if why := c.blind[s.Hooks()[0].Program]; why != "" {
				t.Skipf("not on this kernel: file.open: %s %s", s.Hooks()[0].Program, why)
			}
			h.t = t
			var got Counts
			records := r.during(t, event.FileOpen, func() {
				got = s.counted(t, func() {
					if lack := h.do("open files", c.name, dir, fmt.Sprint(many)); lack != "" {
						t.Skip("not on this kernel: file.open: " + lack)
					}
				})
			})
			same(t, got, c.want.times(many))
			c.want.recorded(t, records, many)
		})
	}
}

func allFileCases() []fileCase {
	return slices.Concat(fileCases, mountCases, otherCalls, oldCalls)
}

func (a access) times(n uint64) Counts {
	var c Counts
	c.FileAccess[a.severity][a.operation] = n * a.n
	c.Untracked = n * a.untracked
	return c
}

// recorded fails the test if there are not as many records as were counted, each
// with a path that leads to its inode.
func (a access) recorded(t *testing.T, records []event.Event, times uint64) {
	t.Helper()
	if uint64(len(records)) != a.n*times {
		t.Errorf("%d records instead of %d", len(records), a.n*times)
	}
	paths := make(map[string]uint64) // and the inode that each led to last
	for _, e := range records {
		paths[string(e.File.Path)] = e.File.Inode
		if e.File.Severity != a.severity || e.File.Operation != a.operation {
			t.Fatalf("severity %s and operation %s instead of %s and %s", e.File.Severity, e.File.Operation, a.severity, a.operation)
		}
	}
	for path, inode := range paths {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); !a.moved && err == nil && st.Ino != inode {
			t.Errorf("%s has inode %d, opened was %d", path, st.Ino, inode)
		}
	}
	if len(paths) < 4 {
		t.Logf("%q", slices.Collect(maps.Keys(paths)))
	}
}

// A lack ends a case that this kernel cannot do.
type lack string

func (l lack) Error() string { return string(l) }

var _ = can("open files", func(args []string) (string, error) {
	n, err := strconv.Atoi(args[2])
	for _, c := range allFileCases() {
		if c.name == args[0] && err == nil {
			err = caught(func() { c.do(args[1], n) })
		}
	}
	var l lack
	if errors.As(err, &l) {
		return l.Error(), nil
	}
	return "", err
})

// needShadow makes /etc/shadow where there is none.
func needShadow(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(shadow); err == nil {
		return
	}
	fatal(t, os.WriteFile(shadow, nil, 0o600))
	t.Cleanup(func() { fatal(t, os.Remove(shadow)) })
}
