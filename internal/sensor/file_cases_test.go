//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A fileCase opens files n times, below dir or in /etc.
type fileCase struct {
	name string
	want access
	do   func(dir string, n int)
	// blind are the programs that cannot see it, and why.
	blind map[string]string
}

// access is what each open of a case counts as; the zero one is not counted.
type access struct {
	n         uint64
	severity  event.Severity
	operation event.Operation
	untracked uint64
	moved     bool // the path leads elsewhere when it is over
}

// elsewhere is an access by a path that leads to another file later.
func elsewhere(a access) access {
	a.moved = true
	return a
}

var (
	nothing  = access{}
	secret   = access{n: 1, severity: event.Critical, operation: event.Read}
	tampered = access{n: 1, severity: event.Critical, operation: event.Write}
	config   = access{n: 1, severity: event.Warning, operation: event.Write}
	looked   = access{n: 1, severity: event.Info, operation: event.Read}
)

const shadow = "/etc/shadow"

// Long names, of which the kernel's filter of names knows only the length.
var (
	longFile      = strings.Repeat("long", 10)
	longNeighbour = strings.Repeat("LONG", 10)
	oddName       = "na\x01me\n\xff\xfe"
)

// watchList is what the tests of files watch below dir.
func watchList(dir string) []Watch {
	return []Watch{
		{shadow, event.Critical, true, true},
		{"~/.ssh/authorized_keys", event.Warning, false, true},
		{dir + "/secret", event.Critical, true, true},
		{dir + "/link", event.Critical, true, true},
		{dir + "/replaced", event.Critical, true, true},
		{dir + "/later", event.Critical, true, true},
		{dir + "/read", event.Info, true, false},
		{dir + "/written", event.Warning, false, true},
		{dir + "/" + longFile, event.Critical, true, true},
		{dir + "/" + oddName, event.Critical, true, true},
		{dir + "/conf.d/", event.Warning, false, true},
		{dir + "/read.d/", event.Info, true, false},
		{dir + "/conf.d/public", event.Info, true, false},
		{dir + "/conf.d/inner/key", event.Critical, true, false},
		{farFile(dir), event.Critical, true, true},
		{dir + "/merged/secret", event.Critical, true, true},
	}
}

// farFile has a path of more bytes than the kernel compares, as has its neighbour.
func farFile(dir string) string { return farAway(dir) + "/file" }

func farAway(dir string) string { return dir + strings.Repeat("/"+strings.Repeat("far", 20), 5) }

// deep is a file n directories down.
func deep(n int) string { return "conf.d/" + strings.Repeat("d/", n) + "file" }

// makeFiles makes what is watched and what is not.
func makeFiles(dir string) error {
	var errs []error
	for _, name := range []string{
		"secret", "secretX", "secre", "xsecret", "target", "replaced", "read", "written", longFile, longNeighbour, oddName,
		"conf.d/file", "conf.d/public", "conf.d/inner/deeper/file", "conf.d/inner/key", "conf.dX/file",
		"home/.ssh/authorized_keys", "home/ssh/authorized_keys", "home/.ssh/authorized_keys2",
		"lower/secret", "upper/", "work/", "merged/", "elsewhere/",
		farFile(""), farAway("") + "/near/file", "read.d/file", deep(100), deep(140),
	} {
		p := dir + "/" + name
		errs = append(errs, os.MkdirAll(filepath.Dir(p), 0o755))
		if !strings.HasSuffix(p, "/") {
			errs = append(errs, os.WriteFile(p, []byte("x"), 0o600))
		}
	}
	return errors.Join(append(errs, os.Symlink("target", dir+"/link"), os.Link(dir+"/secret", dir+"/alias"))...)
}

var fileCases = []fileCase{
	{name: "openat", want: secret, do: opens(shadow, unix.O_RDONLY)},
	{name: "openat2", want: secret, do: func(_ string, n int) {
		for range n {
			fd, err := unix.Openat2(unix.AT_FDCWD, shadow, &unix.OpenHow{Flags: unix.O_CLOEXEC})
			hangUp(descriptor(fd, err))
		}
	}},
	{name: "relative to a descriptor", want: secret, do: func(_ string, n int) {
		at := openAt(unix.AT_FDCWD, "/etc", unix.O_PATH)
		for range n {
			hangUp(openAt(at, "shadow", unix.O_RDONLY))
		}
		hangUp(at)
	}},
	{name: "relative to the working directory", want: secret, do: func(_ string, n int) {
		must("change the directory", unix.Chdir("/etc"))
		for range n {
			hangUp(openAt(unix.AT_FDCWD, "shadow", unix.O_RDONLY))
		}
		must("change the directory", unix.Chdir("/"))
	}},
	{name: "through a symbolic link", want: secret, do: func(dir string, n int) {
		must("link", os.Symlink(shadow, dir+"/shortcut"))
		opens(dir+"/shortcut", unix.O_RDONLY)(dir, n)
	}},
	{name: "with two slashes", want: secret, do: opens("/etc//shadow", unix.O_RDONLY)},
	{name: "with dots", want: secret, do: opens("/etc/../proc/../etc/./shadow", unix.O_RDONLY)},
	{name: "through the root in /proc", want: secret, do: opens("/proc/self/root/etc/shadow", unix.O_RDONLY)},
	{name: "through a descriptor in /proc", want: secret, do: func(dir string, n int) {
		fd := openAt(unix.AT_FDCWD, shadow, unix.O_PATH)
		opens(fmt.Sprintf("/proc/thread-self/fd/%d", fd), unix.O_RDONLY)(dir, n)
		hangUp(fd)
	}},
	{name: "for reading and writing", want: tampered, do: opens(shadow, unix.O_RDWR)},
	{name: "for writing", want: tampered, do: opens(shadow, unix.O_WRONLY|unix.O_APPEND)},
	{
		name: "for reading, but truncated", want: tampered, do: inDir("secret", unix.O_RDONLY|unix.O_TRUNC),
		blind: map[string]string{bpfProgOpenExit: "sees the file when the kernel has forgotten O_TRUNC, and counts a read"},
	},
	{name: "created, though it is there", want: tampered, do: inDir("secret", unix.O_WRONLY|unix.O_CREAT)},
	{name: "only as a place", want: nothing, do: opens(shadow, unix.O_PATH)},
	{name: "not at all, because it is there", want: nothing, do: refused(shadow, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, unix.EEXIST)},
	{name: "not at all, because it is no directory", want: nothing, do: refused(shadow, unix.O_DIRECTORY, unix.ENOTDIR)},
	{name: "not at all, because it is not there", want: nothing, do: refused("/etc/shadow/", unix.O_RDONLY, unix.ENOTDIR)},
	{name: "a longer name", want: nothing, do: inDir("secretX", unix.O_RDWR)},
	{name: "a shorter name", want: nothing, do: inDir("secre", unix.O_RDWR)},
	{name: "a name with something before", want: nothing, do: inDir("xsecret", unix.O_RDWR)},
	{name: "a neighbour", want: nothing, do: opens("/etc/passwd", unix.O_RDONLY)},
	{name: "the directory, to list it", want: nothing, do: opens("/etc", unix.O_RDONLY|unix.O_DIRECTORY)},
	{name: "a hard link", want: secret, do: inDir("alias", unix.O_RDONLY)},
	{name: "what a watched link leads to", want: secret, do: inDir("target", unix.O_RDONLY)},
	{name: "a watched link", want: tampered, do: inDir("link", unix.O_RDWR)},
	{name: "a long name", want: secret, do: inDir(longFile, unix.O_RDONLY)},
	{name: "a name as long", want: nothing, do: inDir(longNeighbour, unix.O_RDWR)},
	{name: "control characters and invalid UTF-8", want: secret, do: inDir(oddName, unix.O_RDONLY)},
	{name: "a path longer than the kernel compares", want: secret, do: func(dir string, n int) {
		opens(farFile(dir), unix.O_RDONLY)(dir, n)
	}},
	{name: "the neighbour of a path longer than the kernel compares", want: nothing, do: func(dir string, n int) {
		opens(farAway(dir)+"/near/file", unix.O_RDWR)(dir, n)
	}},
	{name: "read, where reads are watched", want: looked, do: inDir("read", unix.O_RDONLY)},
	{name: "written, where reads are watched", want: nothing, do: inDir("read", unix.O_WRONLY)},
	{name: "both, where reads are watched", want: looked, do: inDir("read", unix.O_RDWR)},
	{name: "read, where writes are watched", want: nothing, do: inDir("written", unix.O_RDONLY)},
	{name: "written, where writes are watched", want: config, do: inDir("written", unix.O_WRONLY)},
	{name: "both, where writes are watched", want: config, do: inDir("written", unix.O_RDWR)},
	{name: "keys in any home", want: config, do: inDir("home/.ssh/authorized_keys", unix.O_RDWR)},
	{name: "keys in another directory", want: nothing, do: inDir("home/ssh/authorized_keys", unix.O_RDWR)},
	{name: "keys by a longer name", want: nothing, do: inDir("home/.ssh/authorized_keys2", unix.O_RDWR)},
	{name: "below a directory", want: config, do: inDir("conf.d/file", unix.O_RDWR)},
	{name: "far below a directory", want: config, do: inDir("conf.d/inner/deeper/file", unix.O_RDWR)},
	{name: "new below a directory", want: config, do: func(dir string, n int) {
		for i := range n {
			hangUp(openAt(unix.AT_FDCWD, fmt.Sprint(dir, "/conf.d/new", i), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY))
		}
	}},
	{name: "read below a directory of which writes are watched", want: nothing, do: inDir("conf.d/file", unix.O_RDONLY)},
	{name: "read below it, where that is watched", want: looked, do: inDir("conf.d/public", unix.O_RDONLY)},
	{name: "written below it, where reads are watched", want: config, do: inDir("conf.d/public", unix.O_WRONLY)},
	{name: "read far below it, where that is watched", want: secret, do: inDir("conf.d/inner/key", unix.O_RDONLY)},
	{name: "a hundred directories below", want: config, do: inDir(deep(100), unix.O_WRONLY)},
	{name: "too deep to tell", want: access{untracked: 1}, do: inDir(deep(140), unix.O_WRONLY)},
	{name: "read below a directory of which reads are watched", want: looked, do: inDir("read.d/file", unix.O_RDONLY)},
	{name: "the listing of a directory of which reads are watched", want: nothing, do: inDir("read.d", unix.O_RDONLY|unix.O_DIRECTORY)},
	{name: "below a directory with a longer name", want: nothing, do: inDir("conf.dX/file", unix.O_RDWR)},
}

// opens opens a file n times.
func opens(path string, flags int) func(string, int) {
	return func(_ string, n int) {
		for range n {
			hangUp(openAt(unix.AT_FDCWD, path, flags))
		}
	}
}

// inDir opens a file below the directory n times.
func inDir(name string, flags int) func(string, int) {
	return func(dir string, n int) { opens(dir+"/"+name, flags)(dir, n) }
}

func refused(path string, flags int, want unix.Errno) func(string, int) {
	return func(_ string, n int) {
		for range n {
			_, err := unix.Openat(unix.AT_FDCWD, path, flags|unix.O_CLOEXEC, 0)
			refuse(err, want)
		}
	}
}

func openAt(at int, path string, flags int) int {
	return descriptor(unix.Openat(at, path, flags|unix.O_CLOEXEC, 0o600))
}

func descriptor(fd int, err error) int {
	must("open", err)
	return fd
}
