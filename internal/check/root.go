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
}

// OpenRoot opens the directory where the host's root is mounted.
func OpenRoot(dir string) (*Root, error) {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Root{r}, nil
}

// Close releases the directory.
func (r *Root) Close() error { return r.dir.Close() }

// Open opens a regular file or a directory.
func (r *Root) Open(name string) (fs.File, error) {
	at, err := r.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	f, err := openSafely(r.dir, at, isKernels(name))
	if err != nil {
		return nil, err // not f, which is a nil of another type
	}
	info, err := f.Stat()
	if err != nil || !info.IsDir() {
		return f, err
	}
	dir, err := openDir(r.dir, at, isKernels(name))
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &directory{f, dir}, nil
}

// A directory tells what its entries are. An os.File asks for that by the name
// that it was opened by, when the file system does not tell: a descriptor's.
type directory struct {
	*os.File
	dir *Dir
}

// ReadDir returns the next entries, without those that are gone.
func (d *directory) ReadDir(n int) ([]fs.DirEntry, error) {
	names, err := d.Readdirnames(n)
	var entries []fs.DirEntry
	for _, name := range names {
		if info, err := d.dir.Lstat(name); err == nil {
			entries = append(entries, fs.FileInfoToDirEntry(info))
		}
	}
	return entries, err
}

// Close closes the directory.
func (d *directory) Close() error {
	d.dir.Close()
	return d.File.Close()
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

// Real returns what a path leads to, as a path without links.
func (r *Root) Real(name string) (string, error) { return r.resolve("stat", name, true) }

// resolve returns a path without links. The last name stays a link if follow
// is false.
func (r *Root) resolve(op, name string, follow bool) (string, error) {
	if !fs.ValidPath(name) {
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

// isKernels says whether a path is one where the kernel's own file systems are.
// A user's link into them could make a read wait, or take what another reads.
func isKernels(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first == "proc" || first == "sys"
}

// isPlain says whether opening a file does no more than to open it.
func isPlain(info fs.FileInfo) bool { return info.Mode().IsRegular() || info.IsDir() }
