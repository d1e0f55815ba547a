//go:build !linux

package check

import (
	"io/fs"
	"os"
)

func openTop(*os.Root) (*os.File, error) { return nil, nil }

// Open opens a regular file or a directory.
func (r *Root) Open(name string) (fs.File, error) {
	at, err := r.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	f, err := openSafely(r.dir, at)
	if err != nil {
		return nil, err // not f, which is a nil of another type
	}
	return f, nil
}

// Stat describes what a path leads to.
func (r *Root) Stat(name string) (fs.FileInfo, error) {
	at, err := r.resolve("stat", name, true)
	if err != nil {
		return nil, err
	}
	return r.dir.Lstat(at)
}

// Lstat describes a file or a link.
func (r *Root) Lstat(name string) (fs.FileInfo, error) {
	at, err := r.resolve("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return r.dir.Lstat(at)
}

// ReadLink returns what a link says.
func (r *Root) ReadLink(name string) (string, error) {
	at, err := r.resolve("readlink", name, false)
	if err != nil {
		return "", err
	}
	return r.dir.Readlink(at)
}

// OpenDir opens a directory.
func (r *Root) OpenDir(name string) (*Dir, error) {
	at, err := r.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	h, err := openHandle(r.dir, at)
	if err != nil {
		return nil, err
	}
	return &Dir{h, isKernels(name)}, nil
}
