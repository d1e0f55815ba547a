package check

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenExe opens the program that a process runs, which may be deleted, or in a
// container. Only the kernel's own /proc can tell.
func (r *Root) OpenExe(pid int) (*os.File, error) {
	name := "proc/" + strconv.Itoa(pid)
	proc, err := r.dir.OpenFile(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = proc.Close() }()
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(proc.Fd()), &s); err != nil || s.Type != unix.PROC_SUPER_MAGIC {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotProc}
	}
	fd, err := unix.Openat(int(proc.Fd()), "exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name + "/exe", Err: err}
	}
	it := os.NewFile(uintptr(fd), name+"/exe")
	defer func() { _ = it.Close() }()
	info, err := it.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name + "/exe", Err: errNotRegular}
	}
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_NONBLOCK, 0)
}
