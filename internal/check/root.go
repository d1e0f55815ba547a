package check

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may have, as in the kernel.
const maxLinks = 40

var (
	errNotRegular = errors.New("neither a regular file nor a directory")
	errElsewhere  = errors.New("a link into a file system of the kernel")
)

// A Root is the file system of the host below a directory, which nothing leads
// out of. A link from the host's root begins at that directory. Nothing but
// regular files and directories is opened.
type Root struct {
	dir *os.Root
	// top is the directory, for a kernel that resolves paths within it; nil where
	// none does.
	top *os.File
}

// OpenRoot opens the directory where the host's root is mounted.
func OpenRoot(dir string) (*Root, error) {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	top, err := openTop(r)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return &Root{r, top}, nil
}

// Close releases the directory.
func (r *Root) Close() error {
	if r.top != nil {
		_ = r.top.Close()
	}
	return r.dir.Close()
}

// Real returns what a path leads to, as a path without links.
func (r *Root) Real(name string) (string, error) { return r.resolve("stat", name, true) }

// resolve returns a path without links, one name after another. The last name
// stays a link if follow is false.
func (r *Root) resolve(op, name string, follow bool) (string, error) {
	if !isPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, rest, links := ".", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		next := path.Join(at, rest[0])
		if rest[0] == ".." {
			next = path.Dir(at) // at has no links; the root is its own parent
		}
		rest = rest[1:]
		target, err := r.target(next, follow || len(rest) > 0)
		if err != nil {
			return "", err
		}
		if target == "" {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: op, Path: name, Err: syscall.ELOOP}
		}
		if path.IsAbs(target) {
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

// target returns what a link says, "" if it is none or is not to be followed.
func (r *Root) target(name string, follow bool) (string, error) {
	if !follow {
		return "", nil
	}
	info, err := r.dir.Lstat(name)
	if err != nil {
		return "", err
	}
	if info.Mode().Type() != fs.ModeSymlink {
		return "", nil
	}
	return r.dir.Readlink(name)
}

// isPath wants what fs.FS wants of a path, but for UTF-8: the host's names need
// not be.
func isPath(name string) bool { return fs.ValidPath(strings.ToValidUTF8(name, "x")) }

// isKernels says whether a path is one where the kernel's own file systems are.
// A user's link into them could make a read wait, or take what another reads.
func isKernels(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first == "proc" || first == "sys"
}

// isPlain says whether opening a file does no more than to open it.
func isPlain(info fs.FileInfo) bool { return info.Mode().IsRegular() || info.IsDir() }
