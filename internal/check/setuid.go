package check

import (
	"cmp"
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	metricSetuid      = "linux.security.setuid_file"
	metricSetuidCount = "linux.security.setuid_file_count"
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
	inTime, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	w := setuidWalk{ctx: inTime, skip: mountsToSkip(mounts), left: maxWalk}
	w.walk(h, mounts)
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
	if err != nil {
		addUnknown(packages, paths)
	}
	names := h.names()
	f.Point(metricSetuidCount, float64(w.count(fs.ModeSetuid)), "type", "setuid")
	f.Point(metricSetuidCount, float64(w.count(fs.ModeSetgid)), "type", "setgid")
	for _, file := range w.found {
		f.Point(metricSetuid, 1, "path", file.path, "owner", names.user(file.uid), "group", names.group(file.gid),
			"mode", unixMode(file.mode), "package", packages[file.path].name)
		names.watch(f, "setuid."+file.path, names.user(file.uid)+" "+names.group(file.gid)+" "+unixMode(file.mode))
	}
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
	seenAll := len(w.errs) == 0
	f.JudgeNone("setuid.protected", writable, seenAll)
	if h.hasPackages() {
		f.JudgeNone("setuid.packaged", foreign, seenAll && err == nil)
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

// addUnknown gives files of no package that can be read an unknown one.
func addUnknown(packages map[string]pkg, paths []string) {
	for _, p := range paths {
		if packages[p] == (pkg{}) {
			packages[p] = pkg{name: unknown}
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
