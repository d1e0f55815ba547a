package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	berkeleyHash    = 0x061561 // the magic number
	berkeleyHeader  = 26       // of a page
	pageHashUnsort  = 2
	pageOverflow    = 7
	pageHash        = 13
	itemHere        = 1
	itemOffPage     = 3
	itemOffPageSize = 12
)

func isBerkeley(start []byte, order binary.ByteOrder) bool {
	return order.Uint32(start[12:]) == berkeleyHash
}

// A berkeley is a hash database of Berkeley DB, in the byte order of the
// machine that wrote it.
type berkeley struct {
	db    io.ReaderAt
	order binary.ByteOrder
	size  int64 // of a page
	left  int   // pages that are left to read, if none is needed twice
}

// readBerkeley looks at all pages for the buckets' pairs of key and value. The
// value that is no header counts the packages.
func readBerkeley(db *io.SectionReader, order binary.ByteOrder, each func([]byte) error) error {
	header, err := readAt(db, 72, 0)
	if err != nil {
		return err
	}
	b := berkeley{db: db, order: order, size: int64(order.Uint32(header[20:]))}
	last := order.Uint32(header[32:])
	if b.size < 512 || b.size > 65536 || b.size&(b.size-1) != 0 || int64(last) > db.Size()/b.size {
		return fmt.Errorf("%d pages of %d bytes: %w", last, b.size, errCorrupt)
	}
	b.left = 2 * int(last) // as one of many, and as part of a value
	for n := uint32(1); n <= last; n++ {
		page, err := b.page(n)
		if err != nil {
			return err
		}
		if kind := page[25]; kind != pageHash && kind != pageHashUnsort {
			continue
		}
		if err := b.values(page, each); err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
	}
	return nil
}

func (b *berkeley) page(n uint32) ([]byte, error) {
	if b.left--; b.left < 0 {
		return nil, errCorrupt
	}
	return readAt(b.db, b.size, int64(n)*b.size)
}

// values takes every second item. Items are at the end of the page, the first
// one last.
func (b *berkeley) values(page []byte, each func([]byte) error) error {
	count := int(b.order.Uint16(page[20:]))
	if berkeleyHeader+2*count > len(page) {
		return errCorrupt
	}
	offset := func(i int) int { return int(b.order.Uint16(page[berkeleyHeader+2*i:])) }
	for i := 1; i < count; i += 2 {
		from, to := offset(i), offset(i-1)
		if from >= to || to > len(page) {
			return errCorrupt
		}
		value, err := b.value(page[from:to])
		if err != nil {
			return err
		}
		if len(value) < 16 {
			continue
		}
		if err := each(value); err != nil {
			return err
		}
	}
	return nil
}

func (b *berkeley) value(item []byte) ([]byte, error) {
	switch {
	case item[0] == itemHere:
		return item[1:], nil
	case item[0] != itemOffPage || len(item) < itemOffPageSize:
		return nil, nil
	}
	next, want := b.order.Uint32(item[4:]), int64(b.order.Uint32(item[8:]))
	if want > maxHeader {
		return nil, errCorrupt
	}
	var value []byte
	for int64(len(value)) < want {
		page, err := b.page(next)
		if err != nil {
			return nil, err
		}
		used := int(b.order.Uint16(page[22:]))
		if page[25] != pageOverflow || used == 0 || berkeleyHeader+used > len(page) {
			return nil, errCorrupt
		}
		next = b.order.Uint32(page[16:])
		value = grow(value, page[berkeleyHeader:berkeleyHeader+used], want)
	}
	return value, nil
}
