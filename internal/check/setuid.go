package check

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	metricSetuid      = "linux.security.setuid_file"
	metricSetuidCount = "linux.security.setuid_file_count"
	maxWalk           = 4 << 20 // files that are looked at
	maxSetuid         = 10000   // that are remembered
	maxDepth          = 64      // of directories
)

func setuid() Check {
	return Check{
		ID:       "setuid",
		Category: Files,
		Pace:     Slow,
		Reads: "all directories that others than root can reach, on local file systems that are not mounted nosuid; " +
			"the package of each file that is found",
		Metrics: []string{metricSetuid, metricSetuidCount},
		Rules: []Rule{
			{
				"setuid.packaged", High, 1, "7.1.13",
				"A set-uid program that no package brought is how an intruder comes back as root.",
				"Find out who put the file there, and chmod u-s,g-s or remove it.",
			},
			{
				"setuid.protected", Critical, 1, "7.1.13",
				"Whoever may write the file puts any program in its place.",
				"Run chmod go-w for the file.",
			},
		},
		Run: runSetuid,
	}
}

func runSetuid(ctx context.Context, h *Host, f *Findings) error {
	mounts, err := h.mounts()
	if err != nil {
		return err
	}
	w := setuidWalk{ctx: ctx, skip: mountsToSkip(mounts), left: maxWalk}
	w.walk(h)
	for _, err := range w.errs {
		f.Problem(err)
	}
	slices.SortFunc(w.found, func(a, b setuidFile) int { // root's first: users cannot push them out
		return cmp.Or(cmp.Compare(a.uid, b.uid), strings.Compare(a.path, b.path))
	})
	paths := make([]string, len(w.found))
	for i, file := range w.found {
		paths[i] = file.path
	}
	packages, err := h.owners(paths)
	f.Problem(err)
	addSnaps(packages, paths, mounts)
	names := h.names()
	for _, file := range w.found {
		f.Point(metricSetuid, 1, "path", file.path, "owner", names.user(file.uid), "group", names.group(file.gid),
			"mode", unixMode(file.mode), "package", packages[file.path].name)
		f.Watch("setuid."+file.path, names.user(file.uid)+" "+names.group(file.gid)+" "+unixMode(file.mode))
	}
	f.Point(metricSetuidCount, float64(w.count(fs.ModeSetuid)), "type", "setuid")
	f.Point(metricSetuidCount, float64(w.count(fs.ModeSetgid)), "type", "setgid")
	w.judge(h, f, packages, err)
	return ctx.Err()
}

// judge wants a package only where there are packages.
func (w *setuidWalk) judge(h *Host, f *Findings, packages map[string]pkg, err error) {
	var foreign, writable []string
	for _, file := range w.found {
		if packages[file.path] == (pkg{}) {
			foreign = append(foreign, file.path)
		}
		if file.mode&0o002 != 0 || file.mode&0o020 != 0 && file.gid != 0 {
			writable = append(writable, file.path)
		}
	}
	f.Judge("setuid.protected", len(writable) == 0, listed(writable))
	if err == nil && h.hasPackages() {
		f.Judge("setuid.packaged", len(foreign) == 0, listed(foreign))
	}
}

// addSnaps adds the files of snaps: images that are mounted read-only at
// /snap/NAME/REVISION.
func addSnaps(packages map[string]pkg, paths []string, mounts []mount) {
	for _, m := range mounts {
		dir, revision := path.Split(m.point)
		if m.kind != "squashfs" || !strings.HasPrefix(dir, "/snap/") {
			continue
		}
		for _, p := range paths {
			if strings.HasPrefix(p, m.point+"/") {
				packages[p] = pkg{path.Base(dir), revision}
			}
		}
	}
}

// hasPackages says whether some package manager has a database.
func (h *Host) hasPackages() bool {
	for _, name := range slices.Concat([]string{dpkgDir + "/info", pacmanDir}, rpmDatabases[:], apkDatabases[:]) {
		if _, err := h.Stat(name); err == nil {
			return true
		}
	}
	return false
}

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
