package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// reopen opens for reading what a descriptor names, if that does no more than
// to open it: opening a device or a FIFO may do something.
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
