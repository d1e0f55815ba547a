package check

import (
	"errors"
	"strings"
	"time"
)

// A pkgDB is the database of a package manager.
type pkgDB struct {
	kind string // package_type
	// census counts the packages, false if there is no such database. The time
	// is when one was installed or upgraded last, zero if that is not known.
	census func(h *Host) (census, bool, error)
	// owners adds to the packages of files those it knows.
	owners func(h *Host, files map[string]pkg) error
}

type census struct {
	count int
	last  time.Time
}

// A pkg is a package, the zero one for a file of none.
type pkg struct{ name, version string }

func pkgDBs() []pkgDB {
	return []pkgDB{
		{"dpkg", dpkgCensus, dpkgOwners},
		{"rpm", rpmCensus, rpmOwners},
		{"apk", apkCensus, apkOwners},
		{"pacman", pacmanCensus, pacmanOwners},
	}
}

// owners returns the packages of files by their paths. It has all of them, with
// the zero package for those that no database knows.
func (h *Host) owners(paths []string) (map[string]pkg, error) {
	files := make(map[string]pkg, 2*len(paths))
	for _, p := range paths {
		for _, name := range aliases(p) {
			files[name] = pkg{}
		}
	}
	var errs []error
	for _, db := range pkgDBs() {
		errs = append(errs, db.owners(h, files))
	}
	for _, p := range paths {
		for _, name := range aliases(p) {
			if files[p] == (pkg{}) {
				files[p] = files[name]
			}
		}
	}
	return files, errors.Join(errs...)
}

// aliases are the names that a package may have for a file: those from before
// /bin became a link to /usr/bin too.
func aliases(path string) []string {
	old, ok := strings.CutPrefix(path, "/usr")
	for _, dir := range []string{"/bin/", "/sbin/", "/lib"} {
		if ok && strings.HasPrefix(old, dir) {
			return []string{path, old}
		}
	}
	return []string{path}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
