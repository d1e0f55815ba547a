package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openRoot opens a directory. os.Root alone would wait for who writes to a
// FIFO that has taken the directory's place.
func openRoot(parent *os.Root, name string) (*os.Root, error) {
	f, err := parent.OpenFile(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkDir(name, info); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist): // this process has no /proc
		return parent.OpenRoot(name)
	case errors.As(err, &path):
		return nil, &fs.PathError{Op: "open", Path: name, Err: path.Err}
	}
	return dir, err
}
