package check

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"
)

// pacmanDir has a directory for each package.
const pacmanDir = "var/lib/pacman/local"

func pacmanCensus(h *Host) (census, bool, error) {
	var c census
	found, err := h.readPacman(func(_ *Dir, desc map[string][]string) {
		c.count++
		if date := first(desc["INSTALLDATE"]); date != "" {
			if n, err := strconv.ParseInt(date, 10, 64); err == nil {
				c.last = later(c.last, time.Unix(n, 0))
			}
		}
	})
	return c, found, err
}

func pacmanOwners(h *Host, files map[string]pkg) error {
	var filesErr error
	_, err := h.readPacman(func(dir *Dir, desc map[string][]string) {
		list, err := dir.Read("files", maxOwned)
		if err != nil { // one without files has none
			filesErr = cmp.Or(filesErr, ignoreAbsent(err))
			return
		}
		p := pkg{first(desc["NAME"]), first(desc["VERSION"])}
		for _, name := range parsePacman(list)["FILES"] {
			if owner, wanted := files["/"+name]; wanted && owner == (pkg{}) {
				files["/"+name] = p
			}
		}
	})
	return errors.Join(err, filesErr)
}

// readPacman returns false if there is no database.
func (h *Host) readPacman(each func(dir *Dir, desc map[string][]string)) (bool, error) {
	entries, err := h.DirIfAny(pacmanDir)
	if err != nil || entries == nil {
		return false, err
	}
	local, err := h.OpenDir(pacmanDir)
	if err != nil {
		return false, err
	}
	defer local.Close()
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, readPacmanPackage(local, e.Name(), each))
		}
	}
	return true, errors.Join(errs...)
}

func readPacmanPackage(local *Dir, name string, each func(*Dir, map[string][]string)) error {
	dir, err := local.Sub(name)
	if err != nil {
		return ignoreAbsent(err) // it was removed meanwhile
	}
	defer dir.Close()
	b, err := dir.Read("desc", maxOwned)
	if err == nil {
		each(dir, parsePacman(b))
	}
	return ignoreAbsent(err)
}

// parsePacman reads a name between percent signs, and below it values up to an
// empty line.
func parsePacman(b []byte) map[string][]string {
	values := map[string][]string{}
	key := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			key = ""
		case key == "" && len(line) > 2 && line[0] == '%' && line[len(line)-1] == '%':
			key = line[1 : len(line)-1]
		case key != "":
			values[key] = append(values[key], line)
		}
	}
	return values
}

// first is the first of some values, "" if there is none.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
