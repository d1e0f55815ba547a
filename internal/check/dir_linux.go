package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// A handle is what a Dir works on: a descriptor that only names the directory.
type handle struct {
	at   *os.File
	root *os.Root // once it is needed
}

func dirHandle(name string, f *os.File, err error) (handle, error) {
	if err != nil {
		return handle{}, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkDir(name, info)
	}
	if err != nil {
		_ = f.Close()
		return handle{}, err
	}
	return handle{at: f}, nil
}

func (h *handle) Close() {
	_ = h.at.Close()
	if h.root != nil {
		_ = h.root.Close()
	}
}

func (h *handle) openat(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(h.at.Fd()), name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (h *handle) sub(name string) (handle, error) {
	f, err := h.openat(name, unix.O_PATH)
	return dirHandle(name, f, err)
}

func (h *handle) list() (*os.File, error) { return h.openat(".", unix.O_RDONLY|unix.O_DIRECTORY) }

func (h *handle) lstat(name string) (fs.FileInfo, error) {
	if h.root == nil {
		root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", h.at.Fd()))
		if err != nil {
			return nil, err
		}
		h.root = root
	}
	return h.root.Lstat(name)
}

func (h *handle) link(name string) (string, error) {
	target, err := readLink(h.at, name)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}

// readLink does without the memory that os.Root takes for each.
func readLink(dir *os.File, name string) (string, error) {
	var short [128]byte
	b := short[:]
	for {
		n, err := unix.Readlinkat(int(dir.Fd()), name, b)
		if err != nil {
			return "", err
		}
		if n < len(b) {
			return string(b[:n]), nil
		}
		b = make([]byte, 2*len(b))
	}
}

func (h *handle) open(name string, kernels bool) (*os.File, error) {
	it, err := h.openat(name, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	f, err := reopen(it, name, kernels)
	if errors.Is(err, fs.ErrNotExist) { // this process has no /proc
		return h.openat(name, unix.O_RDONLY|unix.O_NONBLOCK)
	}
	return f, err
}
