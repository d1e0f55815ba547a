// Package rpmdb reads the databases of RPM: SQLite, NDB, and Berkeley DB, which
// was RPM's before 4.16. It reads only and takes no locks. Whatever a database
// says, no page of it is read more often than it can be needed.
package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxHeader is how long a package's header may be, in bytes.
const maxHeader = 64 << 20

var (
	errFormat  = errors.New("not an RPM database of a known format")
	errCorrupt = errors.New("the RPM database contradicts itself")
)

// Read calls each with the packages of a database, until it returns an error.
// The write-ahead log is that of SQLite, nil if there is none.
func Read(db, wal *io.SectionReader, each func(Package) error) error {
	start := make([]byte, 32)
	if _, err := db.ReadAt(start, 0); err != nil {
		return fmt.Errorf("read the database's beginning: %w", err)
	}
	headers := func(b []byte) error {
		p, err := parseHeader(b)
		if err != nil {
			return err
		}
		return each(p)
	}
	switch {
	case bytes.HasPrefix(start, []byte("SQLite format 3\x00")):
		return readSQLite(db, wal, headers)
	case bytes.HasPrefix(start, []byte("RpmP")):
		return readNDB(db, headers)
	case isBerkeley(start, binary.LittleEndian):
		return readBerkeley(db, binary.LittleEndian, headers)
	case isBerkeley(start, binary.BigEndian):
		return readBerkeley(db, binary.BigEndian, headers)
	default:
		return errFormat
	}
}

// readAt reads n bytes.
func readAt(r io.ReaderAt, n, offset int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := r.ReadAt(b, offset); err != nil {
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, offset, err)
	}
	return b, nil
}

// grow makes room for what a database claims to have only as it is read.
func grow(to []byte, more []byte, want int64) []byte {
	left := want - int64(len(to))
	return append(to, more[:min(int64(len(more)), left)]...)
}
