package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openSafely opens a file for reading once it is known what it is: opening a
// device or a FIFO may do something.
func openSafely(root *os.Root, name string, kernels bool) (*os.File, error) {
	it, err := root.OpenFile(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	f, err := reopen(it, name, kernels)
	if errors.Is(err, fs.ErrNotExist) { // this process has no /proc
		return root.OpenFile(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	}
	return f, err
}

// reopen opens for reading what a descriptor names, if that does no more than
// to open it.
func reopen(it *os.File, name string, kernels bool) (*os.File, error) {
	info, err := it.Stat()
	switch {
	case err != nil:
		return nil, err
	case !isPlain(info):
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	case !kernels && isOnKernelFS(it):
		return nil, &fs.PathError{Op: "open", Path: name, Err: errElsewhere}
	}
	f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", it.Fd()), unix.O_RDONLY|unix.O_NONBLOCK, 0)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: path.Err}
	}
	return f, err
}

func isOnKernelFS(f *os.File) bool {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return true
	}
	switch uint32(s.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.TRACEFS_MAGIC, unix.DEBUGFS_MAGIC, unix.SECURITYFS_MAGIC:
		return true
	}
	return false
}
