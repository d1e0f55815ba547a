//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// otherCalls are ways to a file that need more than a path.
var otherCalls = []fileCase{
	{name: "by handle", want: secret, do: func(dir string, n int) {
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, dir+"/secret", 0)
		if err == unix.EOPNOTSUPP {
			panic(lack("no handles on this file system"))
		}
		must("get a handle", err)
		mount := openAt(unix.AT_FDCWD, dir, unix.O_RDONLY)
		for range n {
			hangUp(descriptor(unix.OpenByHandleAt(mount, handle, unix.O_RDONLY|unix.O_CLOEXEC)))
		}
		hangUp(mount)
	}},
	{name: "by io_uring", want: secret, do: func(_ string, n int) {
		r := newRing()
		defer hangUp(r.fd)
		for range n {
			hangUp(r.openAt(shadow))
		}
	}, blind: map[string]string{bpfProgOpenExit: "sees system calls, of which io_uring needs none"}},
	{name: "without a name, in a watched directory", want: config, do: inDir("conf.d", unix.O_TMPFILE|unix.O_RDWR)},
	{name: "replaced each time", want: elsewhere(tampered), do: func(dir string, n int) {
		for range n {
			must("make a file", os.WriteFile(dir+"/new", nil, 0o600))
			must("rename", os.Rename(dir+"/new", dir+"/replaced"))
			inDir("replaced", unix.O_RDWR)(dir, 1)
		}
	}},
	{name: "watched before it was there", want: secret, do: inDir("later", unix.O_CREAT|unix.O_RDONLY)},
	{name: "without the right to", want: nothing, do: func(dir string, n int) {
		must("become a user", unix.Setfsgid(12345))
		must("become a user", unix.Setfsuid(12345))
		defer func() {
			must("become root", unix.Setfsuid(0))
			must("become root", unix.Setfsgid(0))
		}()
		refused(shadow, unix.O_RDONLY, unix.EACCES)(dir, n)
	}},
	{name: "to run it", want: secret, do: func(dir string, n int) {
		program := dir + "/conf.d/inner/key"
		must("make a program", os.Chmod(program, 0o700))
		for range n {
			if err := exec.Command(program).Run(); !errors.Is(err, unix.ENOEXEC) {
				panic(fmt.Errorf("run what is no program: %w", err))
			}
		}
	}, blind: map[string]string{bpfProgOpenExit: "sees opens, but not exec"}},
}
