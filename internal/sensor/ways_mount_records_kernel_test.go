//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// mountOf names the flags that tests use.
var mountOf = map[string]uintptr{
	"": 0, "bind": unix.MS_BIND, "remount": unix.MS_REMOUNT | unix.MS_RDONLY, "move": unix.MS_MOVE, "nosuid": unix.MS_NOSUID,
	"old": 0xc0ed0000 | unix.MS_NOSUID, "private": unix.MS_PRIVATE,
}

// mount end flags device type target: mount(2).
var _ = can("mount", func(args []string) (string, error) {
	return "", wanted(args[0], unix.Mount(args[2], args[4], args[3], mountOf[args[1]], ""))
})

// newMount source target: by fsopen, fsmount and move_mount(2).
var _ = can("newMount", func(args []string) (string, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(fs)
	if args[0] != "" {
		err = unix.FsconfigSetString(fs, "source", args[0])
	}
	if err = errors.Join(err, unix.FsconfigCreate(fs)); err != nil {
		return "", err
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "", unix.MoveMount(fd, "", unix.AT_FDCWD, args[1], unix.MOVE_MOUNT_F_EMPTY_PATH)
})

// moveMount end from to: move_mount(2) of what is mounted.
var _ = can("moveMount", func(args []string) (string, error) {
	return "", wanted(args[0], unix.MoveMount(unix.AT_FDCWD, args[1], unix.AT_FDCWD, args[2], 0))
})

func TestKernelRecordsOfMounts(t *testing.T) {
	reportEachWay(t, []string{"file.mount"}, func(t *testing.T, r *reporting) {
		dir := odd(t)
		a, b, link := filepath.Join(dir, "a\xff \"b"), filepath.Join(dir, "b"), filepath.Join(dir, "link")
		for _, d := range []string{a, b} {
			fatal(t, os.Mkdir(d, 0o755))
		}
		fatal(t, os.Symlink(a, link))
		h := startHelper(t)
		h.do("own mounts")
		h.do("chdir", dir)
		for _, c := range []struct {
			name, deed           string
			args                 []string
			device, kind, target string
			flags                uintptr
			errno                unix.Errno
		}{
			{"a file system", "mount", []string{"", "nosuid", "de\nvi\xfece", "tmpfs", a}, "de\nvi\xfece", "tmpfs", a, unix.MS_NOSUID, 0},
			{"a remount", "mount", []string{"", "remount", "none", "", a}, "none", "", a, mountOf["remount"], 0},
			{"a bind mount", "mount", []string{"", "bind", "link", "", "./b"}, "link", "", b, unix.MS_BIND, 0},
			{"another propagation", "mount", []string{"", "private", "", "", b}, "", "", b, unix.MS_PRIVATE, 0},
			{"by a link, with old flags", "mount", []string{"", "old", "x", "tmpfs", link}, "x", "tmpfs", a, unix.MS_NOSUID, 0},
			{"a move", "mount", []string{"", "move", a, "", "b"}, a, "", b, unix.MS_MOVE, 0},
			{"a new mount", "newMount", []string{"", b}, "none", "tmpfs", b, 0, 0},
			{"a new mount of something", "newMount", []string{"so\nurce", a}, "so\nurce", "tmpfs", a, 0, 0},
			{"a new move", "moveMount", []string{"", a, "b"}, "so\nurce", "tmpfs", b, unix.MS_MOVE, 0},
			{"nowhere", "mount", []string{"ENOENT", "", "x", "tmpfs", dir + "/none"}, "", "", "", 0, unix.ENOENT},
			{"nothing moved", "moveMount", []string{"ENOENT", dir + "/none", b}, "", "", "", 0, unix.ENOENT},
			{"of no type", "mount", []string{"ENODEV", "", "x", "nofs", b}, "x", "nofs", b, 0, unix.ENODEV},
			{"refused", "mount", []string{"EPERM", "nosuid", "x", "tmpfs", filepath.Base(a)}, "x", "tmpfs", a, unix.MS_NOSUID, unix.EPERM},
			{"a move refused", "moveMount", []string{"EPERM", filepath.Base(a), "b"}, "", "", "", 0, unix.EPERM},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.t = t
				if c.name == "refused" {
					h.do("calls", asUser...)
				}
				got := r.during(t, event.Mount, func() { h.do(c.deed, c.args...) })
				if len(got) != 1 {
					t.Fatalf("%d records: %+v", len(got), got)
				}
				h.of(t, got[0], c.errno)
				if !tellsNames(t) {
					c.device, c.kind, c.target = "", "", ""
					if c.deed != "mount" {
						c.flags = 0
					}
				}
				m := got[0].Mount
				if string(m.Device) != c.device || string(m.Type) != c.kind || string(m.Target) != c.target || m.Flags != uint64(c.flags) {
					t.Errorf("%q %q %q %#x\nwant %q %q %q %#x", m.Device, m.Type, m.Target, m.Flags, c.device, c.kind, c.target, c.flags)
				}
			})
		}
	})
}

// odd is a directory of which the path has bytes that are no text.
func odd(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "o\xf0d\nd")
	fatal(t, os.Mkdir(dir, 0o755))
	fatal(t, os.Chmod(dir, 0o755))
	return dir
}

func TestKernelRecordsOfLongMounts(t *testing.T) {
	reportEachWay(t, []string{"file.mount"}, func(t *testing.T, r *reporting) {
		if !tellsNames(t) {
			return
		}
		deep := t.TempDir()
		for len(deep) < 3600 {
			deep = filepath.Join(deep, strings.Repeat("d", 200))
		}
		fatal(t, os.MkdirAll(deep, 0o755))
		h := startHelper(t)
		h.do("own mounts")
		device := strings.Repeat("v", 1023)
		got := r.during(t, event.Mount, func() { h.do("mount", "", "", device+"more", "tmpfs", deep) })
		if len(got) != 1 || string(got[0].Mount.Target) != deep || string(got[0].Mount.Device) != device || string(got[0].Mount.Type) != "tmpfs" {
			t.Errorf("%+v", got)
		}
	})
}

// mountRaced n dir: mounts on dir/A or dir/B, as another thread changes the name meanwhile; tells on which.
var _ = can("mountRaced", times(func(n int, args []string) error {
	path, end := flickering(args[0] + "/A")
	defer end()
	none, tmpfs := []byte("none\x00"), []byte("tmpfs\x00")
	for range n {
		_, _, errno := unix.Syscall6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(&none[0])), uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(&tmpfs[0])), 0, 0, 0)
		if errno != 0 {
			return errno
		}
	}
	return nil
}))

// flickering is a name that ends in A or B: it changes all the time.
func flickering(name string) (*byte, func()) {
	path := append([]byte(name), 0)
	last := &path[len(name)-1]
	end := beside(func() { *last ^= 'A' ^ 'B' })
	return &path[0], end
}

var _ = can("mountinfo", func([]string) (string, error) { return readFile("/proc/thread-self/mountinfo") })

func TestKernelRecordsOfRacedMounts(t *testing.T) {
	reportEachWay(t, []string{"file.mount"}, func(t *testing.T, r *reporting) {
		dir := t.TempDir()
		for _, d := range []string{"A", "B"} {
			fatal(t, os.Mkdir(filepath.Join(dir, d), 0o755))
		}
		h := startHelper(t)
		h.do("own mounts")
		got := r.during(t, event.Mount, func() { h.do("mountRaced", "100", dir) })
		var mounted, told []string
		for line := range strings.Lines(h.do("mountinfo")) {
			if at := strings.Fields(line)[4]; strings.HasPrefix(at, dir) {
				mounted = append(mounted, filepath.Base(at))
			}
		}
		for _, e := range got {
			told = append(told, filepath.Base(string(e.Mount.Target)))
		}
		if !tellsNames(t) {
			mounted = strings.Split(strings.Repeat(". ", 100), " ")[:100] // filepath.Base of nothing
		}
		// Mounts of one directory lie on each other: mountinfo has them in order of the mounts.
		if fmt.Sprint(told) != fmt.Sprint(mounted) {
			t.Errorf("told %v\nmounted %v", told, mounted)
		}
	})
}
