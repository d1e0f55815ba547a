package check

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenExe opens the program that a process runs, which may be deleted, or in a
// container. Only the kernel's own /proc can tell.
func (r *Root) OpenExe(pid int) (*os.File, error) {
	it, err := r.exe(pid)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	return reopen(it, it.Name(), false)
}

// StatExe describes it.
func (r *Root) StatExe(pid int) (fs.FileInfo, error) {
	it, err := r.exe(pid)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	return it.Stat()
}

func (r *Root) exe(pid int) (*os.File, error) {
	name := "proc/" + strconv.Itoa(pid)
	proc, err := r.find("open", name, false)
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
	return os.NewFile(uintptr(fd), name+"/exe"), nil
}
