package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
)

const (
	maxWalk   = 4 << 20 // files that are looked at
	maxSetuid = 10000   // that are remembered
	maxDepth  = 64      // of directories
)

type setuidFile struct {
	path     string
	uid, gid uint32
	mode     fs.FileMode
}

// A setuidWalk looks for files that give who runs them the rights of another.
type setuidWalk struct {
	ctx   context.Context
	skip  map[string]bool
	left  int
	found []setuidFile
	errs  []error
}

var (
	errTooDeep      = errors.New("directories are too deep to look at all")
	errTooManyFiles = errors.New("too many files to look at all")
)

func (w *setuidWalk) walk(h *Host) {
	root, err := h.OpenDir("/")
	if err != nil {
		w.errs = append(w.errs, err)
		return
	}
	defer root.Close()
	w.dir(root, "/", 0)
}

func (w *setuidWalk) count(bit fs.FileMode) int {
	n := 0
	for _, file := range w.found {
		if file.mode&bit != 0 {
			n++
		}
	}
	return n
}

// dir looks at what is in a directory. What is gone meanwhile is not there.
func (w *setuidWalk) dir(d *Dir, name string, depth int) {
	if w.ctx.Err() != nil || w.left <= 0 {
		return
	}
	if depth > maxDepth {
		w.problem(&fs.PathError{Op: "walk", Path: name, Err: errTooDeep})
		return
	}
	w.problem(d.Each(func(entry string) bool {
		if w.left--; w.left == 0 {
			w.problem(&fs.PathError{Op: "walk", Path: name, Err: errTooManyFiles})
		}
		info, err := d.Lstat(entry)
		switch {
		case err != nil:
			w.problem(ignoreAbsent(err))
		case info.IsDir():
			w.enter(d, path.Join(name, entry), info, depth)
		case info.Mode().IsRegular() && info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0:
			w.file(path.Join(name, entry), info)
		}
		return w.left > 0
	}))
}

func (w *setuidWalk) enter(parent *Dir, name string, info fs.FileInfo, depth int) {
	if w.skip[name] || !isReachable(info) {
		return
	}
	d, err := parent.Sub(path.Base(name))
	if err != nil {
		w.problem(ignoreAbsent(err))
		return
	}
	defer d.Close()
	w.dir(d, name, depth+1)
}

// isReachable leaves out directories that only root enters: what is there gives
// nobody more rights. The file systems of containers are in such.
func isReachable(dir fs.FileInfo) bool {
	uid, gid, ok := ownerOf(dir)
	mode := dir.Mode()
	return !ok || mode&0o001 != 0 || mode&0o010 != 0 && gid != 0 || mode&0o100 != 0 && uid != 0
}

func (w *setuidWalk) file(name string, info fs.FileInfo) {
	uid, gid, _ := ownerOf(info)
	// Without leave to execute, set-gid once meant mandatory locking.
	if info.Mode()&fs.ModeSetuid == 0 && info.Mode()&0o010 == 0 {
		return
	}
	if len(w.found) >= maxSetuid {
		w.problem(errTooManyFiles)
		return
	}
	w.found = append(w.found, setuidFile{name, uid, gid, info.Mode()})
}

func (w *setuidWalk) problem(err error) {
	if err != nil && len(w.errs) < maxProblems {
		w.errs = append(w.errs, err)
	}
}

// mountsToSkip are the points of mounts on which set-uid does nothing, that are
// not on this host's disks, or that show again what is elsewhere.
func mountsToSkip(all []mount) map[string]bool {
	skip, whole := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		if m.point == "/" {
			whole[m.device+m.root] = true
		}
	}
	for _, m := range all {
		key := m.device + m.root
		covered := m.root != "/" && whole[m.device+"/"]
		if m.point != "/" && (m.has("nosuid") || isRemoteOrKernels(m.kind) || whole[key] || covered) {
			skip[m.point] = true
			continue
		}
		whole[key] = true
	}
	return skip
}

// isRemoteOrKernels knows the kinds of file systems that can hang, start
// something, or have no files of their own.
func isRemoteOrKernels(kind string) bool {
	base, _, _ := strings.Cut(kind, ".")
	switch base {
	case "nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "lustre", "afs", "9p", "fuse", "autofs",
		"proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf",
		"pstore", "efivarfs", "configfs", "mqueue", "hugetlbfs", "binfmt_misc", "nsfs", "fusectl", "rpc_pipefs", "selinuxfs":
		return true
	}
	return false
}
