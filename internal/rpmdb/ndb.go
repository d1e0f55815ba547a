package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The units of RPM's own format.
const (
	ndbBlock = 16
	ndbSlot  = 16
	ndbPage  = 4096
)

// readNDB reads RPM's own format, little-endian: a header in the place of two
// slots, pages of slots that say where packages are, and the packages.
func readNDB(db *io.SectionReader, each func([]byte) error) error {
	header, err := readAt(db, 2*ndbSlot, 0)
	if err != nil {
		return err
	}
	version, pages := binary.LittleEndian.Uint32(header[4:]), binary.LittleEndian.Uint32(header[12:])
	if version != 0 || int64(pages) > db.Size()/ndbPage {
		return fmt.Errorf("version %d with %d pages of slots: %w", version, pages, errFormat)
	}
	left := db.Size() // no two packages share bytes
	for n := range int64(pages) {
		slots, err := readAt(db, ndbPage, n*ndbPage)
		if err != nil {
			return err
		}
		if n == 0 {
			slots = slots[2*ndbSlot:]
		}
		for ; len(slots) > 0; slots = slots[ndbSlot:] {
			if err := readSlot(db, slots[:ndbSlot], &left, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func readSlot(db io.ReaderAt, slot []byte, left *int64, each func([]byte) error) error {
	pkg, block := binary.LittleEndian.Uint32(slot[4:]), binary.LittleEndian.Uint32(slot[8:])
	if string(slot[:4]) != "Slot" {
		return fmt.Errorf("a slot: %w", errCorrupt)
	}
	if pkg == 0 { // free
		return nil
	}
	at := int64(block) * ndbBlock
	blob, err := readAt(db, ndbBlock, at)
	if err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(blob[12:]))
	if string(blob[:4]) != "BlbS" || binary.LittleEndian.Uint32(blob[4:]) != pkg || length > min(maxHeader, *left) {
		return fmt.Errorf("package %d: %w", pkg, errCorrupt)
	}
	*left -= length
	b, err := readAt(db, length, at+ndbBlock)
	if err != nil {
		return err
	}
	return each(b)
}
