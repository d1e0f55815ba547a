package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"
)

const (
	maxWalk    = 4 << 20          // files that are looked at
	walkTime   = 90 * time.Second // for all of them: less than the check has
	maxSetuid  = 10000            // of root's that are remembered
	maxUsers   = 1000             // of others'
	maxDepth   = 64               // of directories
	maxWaiting = 65536            // directories of users
)

type setuidFile struct {
	path     string
	uid, gid uint32
	mode     fs.FileMode
}

// A setuidWalk looks for files that give who runs them the rights of another.
// Root's directories come first, so that no user can use up what there is of
// time and files before them; each of the others then has its part.
type setuidWalk struct {
	ctx     context.Context
	skip    map[string]bool
	left    int
	found   []setuidFile
	users   int      // of them, those that are not root's
	waiting []string // directories of users
	alone   bool     // whether a directory of a user is walked
	errs    []error
}

var (
	errTooDeep      = errors.New("directories are too deep to look at all")
	errTooManyFiles = errors.New("too many files to look at all")
	errTooLong      = errors.New("it took too long to look at all")
)

// walk starts at the root, and where something is mounted below what is skipped.
func (w *setuidWalk) walk(h *Host, mounts []mount) {
	root, err := h.OpenDir("/")
	if err != nil {
		w.problem(err)
		return
	}
	defer root.Close()
	w.dir(root, "/", 0)
	for _, point := range belowSkipped(mounts, w.skip) {
		if h.isReachableByOthers(point) {
			w.at(h, point, w.left)
		}
	}
	w.alone = true
	for i, name := range w.waiting {
		w.at(h, name, w.left/(len(w.waiting)-i))
	}
	if w.ctx.Err() != nil {
		w.errs = append(w.errs, &fs.PathError{Op: "walk", Path: "/", Err: errTooLong})
	}
}

// isReachableByOthers says whether others than root can get to a directory.
func (h *Host) isReachableByOthers(dir string) bool {
	for ; dir != "/"; dir = path.Dir(dir) {
		if info, err := h.Stat(dir); err != nil || !isReachable(info) {
			return false
		}
	}
	return true
}

// at walks a directory, and looks at no more than so many files in it. A user
// may have put a link in its place.
func (w *setuidWalk) at(h *Host, name string, limit int) {
	parent, err := h.OpenDir(path.Dir(name))
	if err != nil {
		w.problem(ignoreAbsent(err))
		return
	}
	defer parent.Close()
	d, err := parent.Sub(path.Base(name))
	if err != nil {
		w.problem(nothing(err))
		return
	}
	defer d.Close()
	rest := w.left - limit
	w.left = limit
	w.dir(d, name, strings.Count(name, "/"))
	w.left += rest
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
	if !w.goesOn() {
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
		return w.goesOn()
	}))
}

func (w *setuidWalk) goesOn() bool { return w.left > 0 && w.ctx.Err() == nil }

func (w *setuidWalk) enter(parent *Dir, name string, info fs.FileInfo, depth int) {
	if w.skip[name] || !isReachable(info) {
		return
	}
	if uid, _, ok := ownerOf(info); ok && uid != 0 && !w.alone {
		w.wait(name)
		return
	}
	d, err := parent.Sub(path.Base(name))
	if err != nil {
		w.problem(nothing(err)) // it may be something else by now
		return
	}
	defer d.Close()
	w.dir(d, name, depth+1)
}

func (w *setuidWalk) wait(name string) {
	if len(w.waiting) >= maxWaiting {
		w.problem(&fs.PathError{Op: "walk", Path: name, Err: errTooManyFiles})
		return
	}
	w.waiting = append(w.waiting, name)
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
	if uid != 0 && w.users >= maxUsers || uid == 0 && len(w.found)-w.users >= maxSetuid {
		w.problem(&fs.PathError{Op: "walk", Path: name, Err: errTooManyFiles})
		return
	}
	if uid != 0 {
		w.users++
	}
	w.found = append(w.found, setuidFile{name, uid, gid, info.Mode()})
}

func (w *setuidWalk) problem(err error) {
	if err != nil && len(w.errs) < maxProblems {
		w.errs = append(w.errs, err)
	}
}
