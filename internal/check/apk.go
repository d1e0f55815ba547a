package check

import (
	"errors"
	"io/fs"
	"strings"
)

// apkDatabases is where apk has its database: the first from version 3 on.
var apkDatabases = [...]string{"usr/lib/apk/db/installed", "lib/apk/db/installed"}

// apkCensus takes the time of the database: apk does not write down when it
// installs a package.
func apkCensus(h *Host) (census, bool, error) {
	var c census
	name, err := h.readAPK(func(pkg) { c.count++ }, nil)
	if name == "" || err != nil {
		return c, name != "", err
	}
	info, err := h.Stat(name)
	if err == nil {
		c.last = info.ModTime()
	}
	return c, true, err
}

func apkOwners(h *Host, files map[string]pkg) error {
	_, err := h.readAPK(func(pkg) {}, func(p pkg, path string) {
		if owner, wanted := files[path]; wanted && owner == (pkg{}) {
			files[path] = p
		}
	})
	return err
}

// readAPK returns the name of the database, "" if there is none.
func (h *Host) readAPK(each func(pkg), file func(pkg, string)) (string, error) {
	for _, name := range apkDatabases {
		r := apkReader{each: each, file: file}
		err := h.scan(name, r.line)
		r.end()
		if !errors.Is(err, fs.ErrNotExist) {
			return name, err
		}
	}
	return "", nil
}

// An apkReader reads lines of a letter, a colon and a value. An empty line ends
// a package.
type apkReader struct {
	each func(pkg)
	file func(pkg, string)
	pkg  pkg
	dir  string
}

func (r *apkReader) line(b []byte) {
	if len(b) < 2 || b[1] != ':' {
		if len(b) == 0 {
			r.end()
		}
		return
	}
	switch value := string(b[2:]); b[0] {
	case 'P':
		r.pkg.name = value
	case 'V':
		r.pkg.version = value
	case 'F':
		r.dir = "/" + strings.Trim(value, "/")
	case 'R':
		if r.file != nil {
			r.file(r.pkg, strings.TrimSuffix(r.dir, "/")+"/"+value)
		}
	}
}

func (r *apkReader) end() {
	if r.pkg.name != "" {
		r.each(r.pkg)
	}
	r.pkg, r.dir = pkg{}, ""
}
