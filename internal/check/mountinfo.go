package check

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// A mount is a line of /proc/PID/mountinfo, as proc(5) describes it.
type mount struct {
	device  string // major:minor
	root    string // what of the file system is mounted
	point   string
	options []string // of the mount itself
	kind    string   // of file system
}

// mounts are those that the host's first process sees.
func (h *Host) mounts() ([]mount, error) {
	var all []mount
	err := h.scan("proc/1/mountinfo", func(line []byte) {
		if m, ok := parseMount(string(line)); ok {
			all = append(all, m)
		}
	})
	if err == nil && len(all) == 0 {
		err = &fs.PathError{Op: "read", Path: "proc/1/mountinfo", Err: errNoMounts}
	}
	return all, err
}

var errNoMounts = errors.New("no line of it is a mount")

func parseMount(line string) (mount, bool) {
	fields := strings.Fields(line)
	if len(fields) < 7 {
		return mount{}, false
	}
	end := slices.Index(fields[6:], "-") // there may be any number of fields before it
	if end < 0 || len(fields) < 6+end+2 {
		return mount{}, false
	}
	return mount{
		device: fields[2], root: unescape(fields[3]), point: unescape(fields[4]),
		options: strings.Split(fields[5], ","), kind: fields[6+end+1],
	}, true
}

// unescape takes back what the kernel does to white space in a path.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountAt is what is mounted at a path: of several, the last hides the others.
func mountAt(all []mount, path string) (mount, bool) {
	for _, m := range slices.Backward(all) {
		if m.point == path {
			return m, true
		}
	}
	return mount{}, false
}

func (m mount) has(option string) bool { return slices.Contains(m.options, option) }
