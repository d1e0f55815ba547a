package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A sqlite is a database in the format of https://www.sqlite.org/fileformat.html.
type sqlite struct {
	db, wal *io.SectionReader
	size    int64            // of a page
	usable  int64            // bytes of a page
	inWAL   map[uint32]int64 // where pages are that were written later
	left    int              // pages that are left to read, if none is twice
}

// readSQLite finds the table Packages(hnum INTEGER PRIMARY KEY, blob BLOB).
func readSQLite(db, wal *io.SectionReader, each func([]byte) error) error {
	s := sqlite{db: db, wal: wal}
	if err := s.open(); err != nil {
		return err
	}
	var root uint32
	err := s.table(1, 0, func(record []byte) error {
		columns, err := parseRecord(record)
		if err == nil && len(columns) >= 4 && string(columns[0]) == "table" && string(columns[1]) == "Packages" {
			root = uint32(bigEndian(columns[3]))
		}
		return err
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return errFormat
	}
	return s.table(root, 0, func(record []byte) error {
		columns, err := parseRecord(record)
		if err != nil {
			return err
		}
		if len(columns) < 2 {
			return errCorrupt
		}
		return each(columns[1])
	})
}

func (s *sqlite) open() error {
	header, err := readAt(s.db, 100, 0)
	if err != nil {
		return err
	}
	s.size = int64(binary.BigEndian.Uint16(header[16:]))
	if s.size == 1 {
		s.size = 65536
	}
	s.usable = s.size - int64(header[20])
	if s.size < 512 || s.size&(s.size-1) != 0 || s.usable < 480 {
		return fmt.Errorf("a page size of %d: %w", s.size, errCorrupt)
	}
	if s.wal != nil {
		s.inWAL, err = walPages(s.wal, s.size)
	}
	s.left = int(s.db.Size()/s.size) + len(s.inWAL) + 8 // the schema is read twice
	return err
}

// page returns one. Page 1 begins with the header of the database.
func (s *sqlite) page(n uint32) ([]byte, error) {
	if s.left--; s.left < 0 || n == 0 {
		return nil, fmt.Errorf("page %d: %w", n, errCorrupt)
	}
	if at, ok := s.inWAL[n]; ok {
		return readAt(s.wal, s.size, at)
	}
	return readAt(s.db, s.size, int64(n-1)*s.size)
}

// maxDepth is more than a tree of 2^32 pages has.
const maxDepth = 32

// table calls each with the records of a table's tree.
func (s *sqlite) table(n uint32, depth int, each func(record []byte) error) error {
	page, err := s.page(n)
	if err != nil {
		return err
	}
	header := 0
	if n == 1 {
		header = 100
	}
	const interior, leaf = 5, 13
	kind, cells := page[header], int(binary.BigEndian.Uint16(page[header+3:]))
	pointers := header + 8
	if kind == interior {
		pointers += 4
	}
	if kind != interior && kind != leaf || depth > maxDepth || pointers+2*cells > len(page) {
		return fmt.Errorf("page %d: %w", n, errCorrupt)
	}
	for i := range cells {
		cell := int(binary.BigEndian.Uint16(page[pointers+2*i:]))
		if cell+4 > len(page) {
			return fmt.Errorf("page %d: %w", n, errCorrupt)
		}
		if kind == leaf {
			err = s.cell(page[cell:], each)
		} else {
			err = s.table(binary.BigEndian.Uint32(page[cell:]), depth+1, each)
		}
		if err != nil {
			return err
		}
	}
	if kind == interior {
		return s.table(binary.BigEndian.Uint32(page[header+8:]), depth+1, each)
	}
	return nil
}

// cell puts a record together that may go on in other pages.
func (s *sqlite) cell(cell []byte, each func(record []byte) error) error {
	payload, n := varint(cell)
	_, m := varint(cell[n:]) // the row's number
	if n == 0 || m == 0 || payload > maxHeader {
		return errCorrupt
	}
	cell, want := cell[n+m:], int64(payload)
	local := s.local(want)
	if local > int64(len(cell)) {
		return errCorrupt
	}
	record := append([]byte(nil), cell[:local]...)
	if local == want {
		return each(record)
	}
	if int64(len(cell)) < local+4 {
		return errCorrupt
	}
	next := binary.BigEndian.Uint32(cell[local:])
	for int64(len(record)) < want {
		page, err := s.page(next)
		if err != nil {
			return err
		}
		next = binary.BigEndian.Uint32(page)
		record = grow(record, page[4:s.usable], want)
	}
	return each(record)
}

// local is how much of a payload is in the page itself.
func (s *sqlite) local(payload int64) int64 {
	most := s.usable - 35
	if payload <= most {
		return payload
	}
	least := (s.usable-12)*32/255 - 23
	if n := least + (payload-least)%(s.usable-4); n <= most {
		return n
	}
	return least
}

// parseRecord returns the columns' bytes, nil for NULL, 0 and 1.
func parseRecord(b []byte) ([][]byte, error) {
	size, n := varint(b)
	if n == 0 || size < uint64(n) || size > uint64(len(b)) {
		return nil, errCorrupt
	}
	types, data := b[n:size], b[size:]
	var columns [][]byte
	for len(types) > 0 {
		kind, n := varint(types)
		length := columnSize(kind)
		if n == 0 || length > uint64(len(data)) {
			return nil, errCorrupt
		}
		columns = append(columns, data[:length:length])
		types, data = types[n:], data[length:]
	}
	return columns, nil
}

func columnSize(kind uint64) uint64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind >= 8:
		return 0
	case kind == 7:
		return 8
	default:
		return [...]uint64{0, 1, 2, 3, 4, 6, 8}[kind]
	}
}

// varint returns a number and its length, 0 if it is cut off.
func varint(b []byte) (uint64, int) {
	var v uint64
	for i, c := range b[:min(len(b), 9)] {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

func bigEndian(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
