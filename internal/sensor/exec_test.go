//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func readFile(name string) (string, error) {
	b, err := os.ReadFile(name)
	return string(b), err
}

// execFDs n how path: run what a descriptor leads to, whatever its name.
var _ = can("execFDs", times(func(n int, args []string) error {
	fd, err := openBy[args[0]](args[1])
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return expect("exit 0", n, func() (int, error) { return fork(execFD(fd)) })
}))

var openBy = map[string]func(path string) (int, error){
	"path": func(path string) (int, error) { return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0) },
	"deleted": func(path string) (int, error) {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return fd, errors.Join(err, unix.Unlink(path))
	},
	"memfd": func(string) (int, error) {
		fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
		if err != nil {
			return 0, err
		}
		return readOnly(fd)
	},
	"tmpfile": func(dir string) (int, error) {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o755)
		if err != nil {
			return 0, err
		}
		return readOnly(fd)
	},
}

// readOnly writes a program to fd and opens it again, as what is open for writing cannot be run.
func readOnly(fd int) (int, error) {
	defer unix.Close(fd)
	if _, err := unix.Write(fd, tinyELF); err != nil {
		return 0, err
	}
	return unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// vfork n path: by clone(CLONE_VM|CLONE_VFORK), as most programs start others.
var _ = can("vfork", times(func(n int, args []string) error {
	return expect("exit 0", n, func() (int, error) { return syscall.ForkExec(args[0], args, nil) })
}))

// vforkFail n path: what cannot be run. The process comes and goes all the same.
var _ = can("vforkFail", times(func(n int, args []string) error {
	for range n {
		if _, err := syscall.ForkExec(args[0], args, nil); err == nil {
			return errors.New("could be run")
		}
	}
	return nil
}))

// execHere path: the helper becomes path; its deeds run on a thread that is not the first.
var _ = can("execHere", func(args []string) (string, error) {
	return "", unix.Exec(args[0], args, os.Environ())
})

// execOnLeader path: the same from the first thread.
var _ = can("execOnLeader", func(args []string) (string, error) {
	failed := make(chan error)
	onLeader <- func() { failed <- unix.Exec(args[0], args, os.Environ()) }
	return "", <-failed
})

// execWith n path input output: with sockets as standard input or output.
var _ = can("execWith", times(func(n int, args []string) error {
	files := []uintptr{0, 1, 2}
	for i, kind := range args[1:] {
		if kind == "" {
			continue
		}
		fd, end, err := sockets[kind]()
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		defer end()
		files[i] = uintptr(fd)
	}
	return expect("exit 0", n, func() (int, error) {
		return syscall.ForkExec(args[0], args[:1], &syscall.ProcAttr{Files: files})
	})
}))

var sockets = map[string]func() (fd int, end func(), err error){
	"tcp": func() (int, func(), error) {
		return connected(unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	},
	"tcp6": func() (int, func(), error) {
		return connected(unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}})
	},
	"listening": func() (int, func(), error) { return listening(unix.AF_INET, &unix.SockaddrInet4{}) },
	"unix": func() (int, func(), error) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return fds[0], func() { unix.Close(fds[0]); unix.Close(fds[1]) }, err
	},
	"file": func() (int, func(), error) {
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		return fd, func() { unix.Close(fd) }, err
	},
}

func listening(family int, at unix.Sockaddr) (int, func(), error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	return fd, func() { unix.Close(fd) }, errors.Join(unix.Bind(fd, at), unix.Listen(fd, 1))
}

func connected(family int, at unix.Sockaddr) (int, func(), error) {
	l, closeListener, err := listening(family, at)
	if err != nil {
		return 0, nil, err
	}
	to, err := unix.Getsockname(l)
	if err != nil {
		return 0, nil, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	return fd, func() { unix.Close(fd); closeListener() }, unix.Connect(fd, to)
}

var _ = can("chdir", func(args []string) (string, error) { return "", unix.Chdir(args[0]) })
