package check

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxFile    = 8 << 20 // bytes of a file that is read as a whole
	maxLines   = 1 << 17 // of such a file: what is made of a line is larger than it
	maxEntries = 65536   // names in a directory
)

var (
	errTooLarge = errors.New("file is too large")
	errTooMany  = errors.New("too many names in the directory")
	errCutShort = errors.New("it became shorter while it was read")
)

// A Host is what checks look at, as it is during one run. What is not a file
// is reached through an interface, which is nil where there is none.
type Host struct {
	fs fs.FS
	Options
	Now func() time.Time
	// NetNS is the network namespace that this process is in, as
	// /proc/self/ns/net names it; "" if it is not known.
	NetNS string

	Filter  Filter
	Legacy  LegacyFilter
	Audit   AuditSystem
	Systemd ServiceManager

	processes   func() ([]Process, error)
	serviceList func() serviceList
}

// NewHost returns the host whose root is a file system, such as a Root.
func NewHost(root fs.FS, o Options) *Host {
	h := &Host{fs: root, Options: o, Now: time.Now}
	h.processes = sync.OnceValues(h.readProcesses)
	h.serviceList = sync.OnceValue(h.listServices)
	return h
}

// Read returns a regular file, as a whole.
func (h *Host) Read(name string) ([]byte, error) {
	b, err := h.Head(name, maxFile+1)
	if len(b) > maxFile || bytes.Count(b, []byte("\n")) > maxLines {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errTooLarge}
	}
	return b, err
}

// ReadIfAny returns nil if the file is not there.
func (h *Host) ReadIfAny(name string) ([]byte, error) {
	b, err := h.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

// Line returns the content of a file of one line, as those of /proc and /sys.
func (h *Host) Line(name string) (string, error) {
	b, err := h.Head(name, 4096)
	return strings.TrimSpace(string(b)), err
}

// Open opens a regular file.
func (h *Host) Open(name string) (fs.File, error) {
	f, _, err := h.open(name)
	return f, err
}

// open also returns how large the file is.
func (h *Host) open(name string) (fs.File, int64, error) {
	f, err := h.fs.Open(clean(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	if isKernels(clean(name)) {
		return f, 0, nil // it says anything
	}
	return f, info.Size(), nil
}

// Head returns the beginning of a regular file, of at most limit bytes.
func (h *Host) Head(name string, limit int64) ([]byte, error) {
	f, size, err := h.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err == nil && int64(len(b)) < min(size, limit) {
		err = errCutShort
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// An Entry is a name in a directory. It tells no more: a file system may not know
// more without looking at each.
type Entry struct {
	name string
	kind fs.FileMode
}

// Name is the name.
func (e Entry) Name() string { return e.name }

// Type is what it is a name of.
func (e Entry) Type() fs.FileMode { return e.kind }

// IsDir says whether it is a directory's.
func (e Entry) IsDir() bool { return e.kind.IsDir() }

// Dir returns what is in a directory, by name.
func (h *Host) Dir(name string) ([]Entry, error) {
	f, err := h.fs.Open(clean(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.ErrUnsupported}
	}
	entries, err := dir.ReadDir(maxEntries + 1)
	switch {
	case len(entries) > maxEntries:
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errTooMany}
	case err != nil && !errors.Is(err, io.EOF):
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	all := make([]Entry, len(entries))
	for i, e := range entries {
		all[i] = Entry{e.Name(), e.Type()}
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// DirIfAny returns nothing if the directory is not there.
func (h *Host) DirIfAny(name string) ([]Entry, error) {
	entries, err := h.Dir(name)
	return entries, nothing(err)
}

// isDir says whether there is a directory. What is absent, or something else, is
// none.
func (h *Host) isDir(name string) (bool, error) {
	info, err := h.Stat(name)
	if err != nil {
		return false, nothing(err)
	}
	return info.IsDir(), nil
}

// Stat describes what a path leads to.
func (h *Host) Stat(name string) (fs.FileInfo, error) { return fs.Stat(h.fs, clean(name)) }

// Lstat describes a file or a link.
func (h *Host) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(h.fs, clean(name)) }

// Link returns what a link says.
func (h *Host) Link(name string) (string, error) { return fs.ReadLink(h.fs, clean(name)) }

// Real returns what a path leads to, as a path without links where there can be
// some.
func (h *Host) Real(name string) (string, error) {
	r, ok := h.fs.(interface {
		Real(name string) (string, error)
	})
	if !ok {
		return "/" + clean(name), nil
	}
	resolved, err := r.Real(clean(name))
	return path.Join("/", resolved), err
}

// clean makes a path as fs.FS wants it of one as the host's files have it. It
// takes .. by the text, as if what is before it were no link.
func clean(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// nothing takes what is absent for no error.
func nothing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
