package check

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
)

// A Dir is an open directory, for checks that look at many things in it: each
// costs few system calls, however deep the directory lies. It follows no links.
type Dir struct {
	handle
	kernels bool
}

// OpenDir opens a directory of the host.
func (h *Host) OpenDir(name string) (*Dir, error) {
	if r, ok := h.fs.(interface {
		OpenDir(name string) (*Dir, error)
	}); ok {
		return r.OpenDir(clean(name))
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

// Sub opens a directory in this one.
func (d *Dir) Sub(name string) (*Dir, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	sub, err := d.sub(name)
	if err != nil {
		return nil, err
	}
	return &Dir{sub, d.kernels}, nil
}

// Names returns at most limit names, in no order, and whether these are all.
func (d *Dir) Names(limit int) (names []string, all bool, err error) {
	f, err := d.list()
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	names, err = f.Readdirnames(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if len(names) > limit {
		return names[:limit], false, nil
	}
	return names, true, nil
}

// Each calls each with all names, however many, until it returns false.
func (d *Dir) Each(each func(name string) bool) error {
	f, err := d.list()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for {
		names, err := f.Readdirnames(1024)
		for _, name := range names {
			if !each(name) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Lstat describes a file or a link.
func (d *Dir) Lstat(name string) (fs.FileInfo, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return d.lstat(name)
}

// Link returns what a link says.
func (d *Dir) Link(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return d.link(name)
}

// Read returns the beginning of a regular file, of at most limit bytes.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := d.open(name, d.kernels)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit))
}

// checkName refuses paths: on the way to their end there could be links.
func checkName(name string) error {
	if strings.Contains(name, "/") || name == ".." {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// checkDir refuses what is no directory.
func checkDir(name string, info fs.FileInfo) error {
	err := error(syscall.ENOTDIR)
	switch {
	case info.IsDir():
		return nil
	case !isPlain(info):
		err = errNotRegular
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}
