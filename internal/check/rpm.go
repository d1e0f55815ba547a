package check

import (
	"errors"
	"io"
	"io/fs"
	"path"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/rpmdb"
)

// rpmDatabases are the files in which RPM may keep its database. Directories
// are often links to each other, so the first that is there is read.
var rpmDatabases = [...]string{
	"usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite",
	"usr/lib/sysimage/rpm/Packages.db", "var/lib/rpm/Packages.db",
	"usr/lib/sysimage/rpm/Packages", "var/lib/rpm/Packages",
}

// rpmCensus leaves out the keys that RPM keeps as if they were packages.
func rpmCensus(h *Host) (census, bool, error) {
	var c census
	found, err := h.readRPM(func(p rpmdb.Package) error {
		if p.Name != "gpg-pubkey" {
			c.count++
			c.last = later(c.last, p.Installed)
		}
		return nil
	})
	return c, found, err
}

func rpmOwners(h *Host, files map[string]pkg) error {
	bases := map[string]bool{}
	for file := range files {
		bases[path.Base(file)] = true
	}
	_, err := h.readRPM(func(p rpmdb.Package) error {
		for dir, base := range p.Files() {
			if !bases[base] {
				continue
			}
			if owner, wanted := files[dir+base]; wanted && owner == (pkg{}) {
				files[dir+base] = pkg{p.Name, p.Version}
			}
		}
		return nil
	})
	return err
}

// readRPM returns false if there is no database.
func (h *Host) readRPM(each func(rpmdb.Package) error) (bool, error) {
	for _, name := range rpmDatabases {
		db, err := h.openSection(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		defer db.close()
		wal, err := h.openSection(name + "-wal")
		if ignoreAbsent(err) != nil {
			return false, err
		}
		defer wal.close()
		return true, rpmdb.Read(db.SectionReader, wal.SectionReader, each)
	}
	return false, nil
}

// A section is an open file, or none.
type section struct {
	*io.SectionReader
	file fs.File
}

func (h *Host) openSection(name string) (section, error) {
	f, err := h.Open(name)
	if err != nil {
		return section{}, err
	}
	info, err := f.Stat()
	at, ok := f.(io.ReaderAt)
	if err != nil || !ok {
		_ = f.Close()
		return section{}, &fs.PathError{Op: "read", Path: name, Err: errors.ErrUnsupported}
	}
	return section{io.NewSectionReader(at, 0, info.Size()), f}, nil
}

func (s section) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
