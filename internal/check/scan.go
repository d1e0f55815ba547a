package check

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
)

const (
	maxScan = 256 << 20 // bytes of a file that is read line by line
	maxLine = 64 << 10
)

// scan calls each with the lines of a regular file of any size. They are valid
// until each returns. Of a line that is too long each gets the beginning.
func (h *Host) scan(name string, each func(line []byte)) error {
	return h.scanWhile(name, func(line []byte) bool {
		each(line)
		return true
	})
}

// scanWhile ends when each returns false.
func (h *Host) scanWhile(name string, each func(line []byte) bool) error {
	f, size, err := h.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := scanLines(f, size, each); err != nil {
		return &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return nil
}

// scanLines wants at least size bytes.
func scanLines(f io.Reader, size int64, each func(line []byte) bool) error {
	limited := &io.LimitedReader{R: f, N: maxScan}
	r := bufio.NewReaderSize(limited, maxLine)
	rest := false // of a line that was too long
	for {
		line, more, err := r.ReadLine()
		switch {
		case errors.Is(err, io.EOF) && limited.N <= 0:
			return errTooLarge
		case errors.Is(err, io.EOF) && maxScan-limited.N < size:
			return errCutShort
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if !rest && !each(line) {
			return nil
		}
		rest = more
	}
}
