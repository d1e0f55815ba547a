package check

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

const (
	dpkgDir  = "var/lib/dpkg"
	maxOwned = 8 << 20 // bytes of a package's list of files
)

// dpkgCensus takes the times of the lists of files, which dpkg writes when it
// unpacks a package: its log has local times, and is rotated away.
func dpkgCensus(h *Host) (census, bool, error) {
	var c census
	installed, err := dpkgInstalled(h)
	if installed == nil {
		return c, false, err
	}
	c.count = len(installed)
	info, infoErr := h.OpenDir(dpkgDir + "/info")
	if infoErr != nil {
		return c, true, errors.Join(err, ignoreAbsent(infoErr))
	}
	defer info.Close()
	for key := range installed {
		list, listErr := info.Lstat(key + ".list")
		if listErr != nil {
			err = cmp.Or(err, ignoreAbsent(listErr))
			continue
		}
		c.last = later(c.last, list.ModTime())
	}
	return c, true, err
}

// dpkgInstalled returns the installed packages by the names of their lists, nil
// if there is no database.
func dpkgInstalled(h *Host) (map[string]pkg, error) {
	all := dpkgStatus{installed: map[string]pkg{}}
	err := h.scan(dpkgDir+"/status", all.line)
	all.end()
	absent := errors.Is(err, fs.ErrNotExist)
	// An image without dpkg has a file for each package.
	parts, partsErr := h.DirIfAny(dpkgDir + "/status.d")
	for _, e := range parts {
		if strings.HasSuffix(e.Name(), ".md5sums") {
			continue
		}
		partsErr = errors.Join(partsErr, h.scan(dpkgDir+"/status.d/"+e.Name(), all.line))
		all.end()
	}
	if absent && len(parts) == 0 {
		return nil, partsErr
	}
	return all.installed, errors.Join(ignoreAbsent(err), partsErr)
}

// ignoreAbsent forgets the error of a file that is not there.
func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// A dpkgStatus collects the installed packages of deb822 paragraphs.
type dpkgStatus struct {
	installed map[string]pkg
	fields    map[string]string
}

func (s *dpkgStatus) line(b []byte) {
	if len(strings.TrimSpace(string(b))) == 0 {
		s.end()
		return
	}
	if b[0] == ' ' || b[0] == '\t' || b[0] == '#' {
		return
	}
	name, value, _ := strings.Cut(string(b), ":")
	switch name = strings.ToLower(name); name {
	case "package", "status", "version", "architecture", "multi-arch":
		if s.fields == nil {
			s.fields = map[string]string{}
		}
		s.fields[name] = strings.TrimSpace(value)
	}
}

// end ends a paragraph. Those of status.d have no status.
func (s *dpkgStatus) end() {
	f := s.fields
	s.fields = nil
	state := strings.Fields(f["status"])
	isInstalled := len(state) == 0 || len(state) == 3 && isUnpacked(state[2])
	if name := f["package"]; name != "" && isInstalled {
		key := name
		if f["multi-arch"] == "same" {
			key += ":" + f["architecture"]
		}
		s.installed[key] = pkg{name, f["version"]}
	}
}

// isUnpacked says whether the files of a package in a state are there.
func isUnpacked(state string) bool {
	switch state {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return true
	}
	return false
}

func dpkgOwners(h *Host, files map[string]pkg) error {
	installed, err := dpkgInstalled(h)
	if installed == nil {
		return err
	}
	info, infoErr := h.OpenDir(dpkgDir + "/info")
	if infoErr != nil {
		return errors.Join(err, ignoreAbsent(infoErr))
	}
	defer info.Close()
	moved, movedErr := dpkgDiversions(h)
	for _, key := range slices.Sorted(maps.Keys(installed)) {
		p := installed[key]
		list, listErr := info.Read(key+".list", maxOwned)
		if listErr != nil { // one without files has none
			err = cmp.Or(err, ignoreAbsent(listErr))
			continue
		}
		for path := range strings.Lines(string(list)) {
			path = moved.of(strings.TrimSuffix(path, "\n"), p.name)
			if owner, wanted := files[path]; wanted && owner == (pkg{}) {
				files[path] = p
			}
		}
	}
	return errors.Join(err, movedErr)
}

// Diversions say which packages' files lie elsewhere than they say.
type diversions map[string]diversion

type diversion struct{ to, by string }

func dpkgDiversions(h *Host) (diversions, error) {
	b, err := h.ReadIfAny(dpkgDir + "/diversions")
	return parseDiversions(b), err
}

// parseDiversions reads three lines for each: from, to, and for which package.
func parseDiversions(b []byte) diversions {
	all := diversions{}
	rows := strings.Split(string(b), "\n")
	for ; len(rows) >= 3; rows = rows[3:] {
		all[rows[0]] = diversion{rows[1], rows[2]}
	}
	return all
}

// of returns where a package's file is.
func (d diversions) of(path, pkg string) string {
	if moved, ok := d[path]; ok && moved.by != pkg {
		return moved.to
	}
	return path
}
