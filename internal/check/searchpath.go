package check

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

const metricSearchPath = "linux.security.search_path_writable"

func searchPath() Check {
	return Check{
		ID:       "search_path",
		Category: Files,
		Pace:     Slow,
		Reads:    "the directories of PATH in /etc/login.defs and /etc/environment, and the usual ones",
		Metrics:  []string{metricSearchPath},
		Rules: []Rule{
			{
				"search_path.absolute", High, 1, "5.4.2.5",
				"A command runs whatever lies in the directory that root happens to be in.",
				"Take the dot, empty parts and relative paths out of PATH in /etc/login.defs and /etc/environment.",
			},
			{
				"search_path.directories", Critical, 1, "5.4.2.5",
				"Who may write a directory of PATH decides what a command is, for root too.",
				"Run chown root and chmod go-w for the directories.",
			},
			{
				"search_path.files", Critical, 1, "7.1.11",
				"Any user changes what a command does when root runs it.",
				"Run chmod o-w for the files.",
			},
		},
		Run: runSearchPath,
	}
}

func runSearchPath(ctx context.Context, h *Host, f *Findings) error {
	dirs, relative, err := h.searchPath()
	f.Problem(err)
	w := pathWalk{host: h, f: f, names: h.names()}
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.dir(dir)
	}
	f.JudgeNone("search_path.absolute", relative, err == nil)
	f.JudgeNone("search_path.directories", w.badDirs, err == nil && !w.missed)
	f.JudgeNone("search_path.files", w.badFiles, err == nil && !w.missed)
	return nil
}

// searchPath returns the directories of all PATHs, and what in them is none.
func (h *Host) searchPath() (dirs, relative []string, err error) {
	defs, err1 := h.ReadIfAny("etc/login.defs")
	environment, err2 := h.ReadIfAny("etc/environment")
	login := parseLoginDefs(defs)
	paths := []string{
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		strings.TrimPrefix(login.get("ENV_SUPATH", ""), "PATH="),
		strings.TrimPrefix(login.get("ENV_PATH", ""), "PATH="),
		parseOSRelease(environment)["PATH"],
	}
	for _, p := range paths {
		if p == "" {
			continue
		}
		for dir := range strings.SplitSeq(p, ":") {
			switch {
			case strings.Contains(dir, "$"): // known only to a shell
			case !path.IsAbs(dir):
				relative = append(relative, p)
			case !slices.Contains(dirs, path.Clean(dir)):
				dirs = append(dirs, path.Clean(dir))
			}
		}
	}
	return dirs, slices.Compact(relative), errors.Join(err1, err2)
}

// A pathWalk looks at directories of commands, each once by whatever name.
type pathWalk struct {
	host              *Host
	f                 *Findings
	names             accountNames
	seen              []fs.FileInfo
	badDirs, badFiles []string
	missed            bool // something
}

func (w *pathWalk) problem(err error) {
	w.f.Problem(err)
	w.missed = w.missed || err != nil
}

func (w *pathWalk) dir(name string) {
	info, err := w.host.Stat(name)
	if err != nil {
		w.problem(nothing(err))
		return
	}
	if !info.IsDir() || slices.ContainsFunc(w.seen, func(other fs.FileInfo) bool { return os.SameFile(info, other) }) {
		return
	}
	w.seen = append(w.seen, info)
	uid, gid, _ := ownerOf(info)
	mode := info.Mode()
	if uid != 0 || mode&0o002 != 0 || mode&0o020 != 0 && gid != 0 {
		w.show(name, "directory", info)
		w.badDirs = append(w.badDirs, name)
	}
	d, err := w.host.OpenDir(name)
	if err != nil {
		w.problem(err)
		return
	}
	defer d.Close()
	names, all, err := d.Names(maxEntries)
	if err == nil && !all {
		err = errTooMany
	}
	w.problem(err)
	slices.Sort(names)
	for _, entry := range names {
		w.file(d, path.Join(name, entry), entry)
	}
}

// file follows a link: what is at its end is what runs.
func (w *pathWalk) file(d *Dir, name, entry string) {
	info, err := d.Lstat(entry)
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		info, err = w.host.Stat(name)
	}
	if err != nil {
		w.problem(nothing(err)) // a link to nothing runs nothing
		return
	}
	if !info.Mode().IsRegular() || info.Mode()&0o002 == 0 {
		return
	}
	w.show(name, "file", info)
	w.badFiles = append(w.badFiles, name)
}

func (w *pathWalk) show(name, kind string, info fs.FileInfo) {
	uid, gid, _ := ownerOf(info)
	w.f.Point(metricSearchPath, 1, "path", name, "type", kind,
		"owner", w.names.user(uid), "group", w.names.group(gid), "mode", unixMode(info.Mode()))
}
