package check

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func openTop(root *os.Root) (*os.File, error) {
	return root.OpenFile(".", unix.O_PATH|unix.O_DIRECTORY, 0)
}

// Open opens a regular file or a directory.
func (r *Root) Open(name string) (fs.File, error) {
	it, err := r.find("open", name, true)
	if err != nil {
		return nil, err
	}
	f, err := reopen(it, name, isKernels(name))
	if errors.Is(err, fs.ErrNotExist) { // this process has no /proc
		f, err = r.openWithoutProc(name)
	}
	if err != nil {
		_ = it.Close()
		return nil, err // not f, which is a nil of another type
	}
	return &opened{f, it}, nil
}

// openWithoutProc does not wait if what was found is a FIFO by now.
func (r *Root) openWithoutProc(name string) (*os.File, error) {
	at, err := r.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	return r.dir.OpenFile(at, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
}

// An opened file keeps open what its name of /proc/self/fd tells of: a directory
// may need it to find out what its entries are.
type opened struct {
	*os.File
	it *os.File
}

// Close closes the file.
func (o *opened) Close() error {
	_ = o.it.Close()
	return o.File.Close()
}

// Stat describes what a path leads to.
func (r *Root) Stat(name string) (fs.FileInfo, error) { return r.stat("stat", name, true) }

// Lstat describes a file or a link.
func (r *Root) Lstat(name string) (fs.FileInfo, error) { return r.stat("lstat", name, false) }

func (r *Root) stat(op, name string, follow bool) (fs.FileInfo, error) {
	it, err := r.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	return it.Stat()
}

// ReadLink returns what a link says.
func (r *Root) ReadLink(name string) (string, error) {
	it, err := r.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	defer func() { _ = it.Close() }()
	target, err := readLink(it, "")
	if errors.Is(err, fs.ErrNotExist) {
		err = unix.EINVAL // what the kernel says of a descriptor that is no link's
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}

// OpenDir opens a directory.
func (r *Root) OpenDir(name string) (*Dir, error) {
	it, err := r.find("open", name, true)
	h, err := dirHandle(name, it, err)
	if err != nil {
		return nil, err
	}
	return &Dir{h, isKernels(name)}, nil
}

// find returns a descriptor that only names what a path leads to. The kernel
// finds it at once; where it does not, or something moved meanwhile, each name
// is looked up.
func (r *Root) find(op, name string, follow bool) (*os.File, error) {
	if !isPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	it, err := r.ask(name, follow)
	if err == nil || !isNoAnswer(err) {
		return it, pathError(op, name, err)
	}
	at, err := r.resolve(op, name, follow)
	if err != nil {
		return nil, err
	}
	return r.dir.OpenFile(at, unix.O_PATH|unix.O_NOFOLLOW, 0)
}

// ask takes the top for the root of all links, as chroot does.
func (r *Root) ask(name string, follow bool) (*os.File, error) {
	if r.top == nil {
		return nil, unix.ENOSYS
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if !follow {
		how.Flags |= unix.O_NOFOLLOW
	}
	for {
		fd, err := unix.Openat2(int(r.top.Fd()), name, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case !errors.Is(err, unix.EINTR):
			return nil, err
		}
	}
}

// isNoAnswer knows the errors of a kernel that is too old, of a sandbox that
// forbids the system call, and of a race with who moves directories.
func isNoAnswer(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EAGAIN)
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
