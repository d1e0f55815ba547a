package rpmdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"time"
)

// The tags of a header that are read, and their types.
const (
	tagName        = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagEpoch       = 1003
	tagInstallTime = 1008
	tagDirIndexes  = 1116
	tagBaseNames   = 1117
	tagDirNames    = 1118

	typeInt32       = 4
	typeString      = 6
	typeStringArray = 8
)

// A Package is one that is installed.
type Package struct {
	Name      string
	Version   string // with epoch and release
	Installed time.Time

	dirs, bases, indexes entry
}

// Files are the paths of a package's files and directories: the directory with
// a slash at its end, and the name.
func (p Package) Files() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		dirs := p.dirs.strings()
		data := p.bases.data
		for i := range int(min(p.bases.count, p.indexes.count)) {
			base, rest, ok := bytes.Cut(data, []byte{0})
			dir := p.indexes.int32(i)
			if !ok || int(dir) >= len(dirs) || !yield(dirs[dir], string(base)) {
				return
			}
			data = rest
		}
	}
}

// An entry is a value of a header. Its data goes to the end of the header.
type entry struct {
	kind, count uint32
	data        []byte
}

// parseHeader reads a header as RPM stores it: two numbers, the index, the data.
func parseHeader(b []byte) (Package, error) {
	var p Package
	if len(b) < 8 {
		return p, fmt.Errorf("a header of %d bytes: %w", len(b), errCorrupt)
	}
	count, size := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if 8+16*count+size > uint64(len(b)) {
		return p, fmt.Errorf("a header of %d entries in %d bytes: %w", count, len(b), errCorrupt)
	}
	data := b[8+16*count:][:size]
	entries := map[uint32]entry{}
	for index := b[8 : 8+16*count]; len(index) > 0; index = index[16:] {
		tag, offset := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[8:])
		if uint64(offset) <= size {
			entries[tag] = entry{binary.BigEndian.Uint32(index[4:]), binary.BigEndian.Uint32(index[12:]), data[offset:]}
		}
	}
	p.Name = entries[tagName].string()
	if p.Name == "" {
		return p, fmt.Errorf("a header without a name: %w", errCorrupt)
	}
	p.Version = entries[tagVersion].string() + "-" + entries[tagRelease].string()
	if e := entries[tagEpoch]; e.has(0) {
		p.Version = fmt.Sprintf("%d:%s", e.int32(0), p.Version)
	}
	if e := entries[tagInstallTime]; e.has(0) {
		p.Installed = time.Unix(int64(e.int32(0)), 0)
	}
	p.dirs, p.bases, p.indexes = entries[tagDirNames], entries[tagBaseNames], entries[tagDirIndexes]
	if p.bases.kind != typeStringArray || p.indexes.kind != typeInt32 {
		p.bases.count = 0
	}
	return p, nil
}

func (e entry) string() string {
	if e.kind != typeString {
		return ""
	}
	s, _, _ := bytes.Cut(e.data, []byte{0})
	return string(s)
}

func (e entry) strings() []string {
	var all []string
	data := e.data
	for range e.count {
		s, rest, ok := bytes.Cut(data, []byte{0})
		if !ok || e.kind != typeStringArray {
			break
		}
		all = append(all, string(s))
		data = rest
	}
	return all
}

// has says whether there is a number at an index.
func (e entry) has(i int) bool {
	return e.kind == typeInt32 && i < int(e.count) && len(e.data) >= 4*(i+1)
}

func (e entry) int32(i int) uint32 {
	if !e.has(i) {
		return 1<<32 - 1
	}
	return binary.BigEndian.Uint32(e.data[4*i:])
}
