package rpmdb

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	walHeader = 32
	walFrame  = 24 // before each page
)

// walPages returns where the last committed version of each page is in a
// write-ahead log. What follows a broken checksum is of an older use of the file.
func walPages(wal io.ReaderAt, pageSize int64) (map[uint32]int64, error) {
	header, err := readAt(wal, walHeader, 0)
	if errors.Is(err, io.EOF) {
		return nil, nil // empty: all is in the database
	}
	if err != nil {
		return nil, err
	}
	sum, ok := startSum(header)
	if !ok || int64(binary.BigEndian.Uint32(header[8:])) != pageSize {
		return nil, nil
	}
	pages, pending := map[uint32]int64{}, map[uint32]int64{}
	for at := int64(walHeader); ; at += walFrame + pageSize {
		frame, err := readAt(wal, walFrame+pageSize, at)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		sum.add(frame[:8])
		sum.add(frame[walFrame:])
		if string(frame[8:16]) != string(header[16:24]) || !sum.is(frame[16:]) {
			break
		}
		pending[binary.BigEndian.Uint32(frame)] = at + walFrame
		if binary.BigEndian.Uint32(frame[4:]) != 0 { // a commit
			for n, offset := range pending {
				pages[n] = offset
			}
			clear(pending)
		}
	}
	return pages, nil
}

// startSum reads the header, which says how checksums are made, and its own.
func startSum(header []byte) (walSum, bool) {
	sum := walSum{order: binary.LittleEndian}
	switch binary.BigEndian.Uint32(header) {
	case 0x377f0682:
	case 0x377f0683:
		sum.order = binary.BigEndian
	default:
		return sum, false
	}
	sum.add(header[:24])
	return sum, sum.is(header[24:])
}

// A walSum is the checksum of all that comes before.
type walSum struct {
	order  binary.ByteOrder
	s1, s2 uint32
}

func (w *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s1 += w.order.Uint32(b) + w.s2
		w.s2 += w.order.Uint32(b[4:]) + w.s1
	}
}

func (w *walSum) is(b []byte) bool {
	return w.s1 == binary.BigEndian.Uint32(b) && w.s2 == binary.BigEndian.Uint32(b[4:])
}
