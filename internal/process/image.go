package process

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// What of one image is remembered at most, in bytes. The arguments in full are
// in the record of the exec only.
const (
	maxArgs     = 2048
	maxArgCount = 128
	maxPath     = 4096 // PATH_MAX of linux/limits.h
	imageSize   = 512  // of an Image without its strings, with its place in the tables
)

// An Image is what a process runs since its last exec. Its strings are valid
// UTF-8: what the host has else is replaced by U+FFFD.
type Image struct {
	// ExecID and PID are of the process that executed it; empty if it is known
	// from a child only that has not executed anything.
	ExecID string
	PID    uint32
	// Path is resolved, Name its last element; empty if it may not be read.
	Path, Name string
	// Args are the first of its arguments, 2 KiB and 128 at most; CommandLine
	// has them with spaces between. ArgsTotal is how many bytes there were, with
	// a NUL after each argument, or 65536 if it has more and is older than the sensor.
	Args        []string
	CommandLine string
	ArgsTotal   uint32
	CWD         string // at the exec
	TTY         uint32 // device number, major << 20 | minor; 0 for none
	Session     uint32 // pid of its leader
	Interactive bool   // has a terminal
	// Type is User, and Flags are what its path tells, if it is known from /proc
	// as the parent of a process.
	Type  event.ProcessType
	Flags event.ExecFlags

	id, parent     uint64 // as the kernel names images
	who, parentWho identity
	cwd            uint64 // Actor.CWD while the process was in CWD
	seenCWD        string
}

func newImage(e *event.Event) *Image {
	img := &Image{
		Path:      text(e.Exec.Path, maxPath),
		CWD:       text(e.Exec.CWD, maxPath),
		ArgsTotal: e.Exec.ArgsTotal,
		TTY:       e.Exec.TTY, Interactive: e.Exec.TTY != 0,
		Session: e.Exec.Session,
		Type:    e.Actor.Type,
		Flags:   e.Exec.Flags,
		cwd:     e.Actor.CWD,
	}
	img.Name = nameOf(img.Path)
	img.setArgs(e.Exec.Args)
	return img
}

// setArgs takes arguments that have a NUL after each.
func (img *Image) setArgs(raw []byte) {
	s := strings.TrimSuffix(text(raw, maxArgs), "\x00")
	if s == "" {
		return
	}
	// The arguments share the memory of the command line.
	img.CommandLine = strings.ReplaceAll(s, "\x00", " ")
	n := min(strings.Count(s, "\x00")+1, maxArgCount)
	img.Args = make([]string, 0, n)
	for at := 0; len(img.Args) < n; {
		end := strings.IndexByte(s[at:], 0)
		if end < 0 {
			end = len(s) - at
		}
		img.Args = append(img.Args, img.CommandLine[at:at+end])
		at += end + 1
	}
}

// size is how much memory it takes, in bytes.
func (img *Image) size() uint64 {
	return uint64(imageSize + len(img.Path) + len(img.CWD) + len(img.CommandLine) + 16*len(img.Args))
}

// text makes valid UTF-8 of at most n bytes, in memory of its own.
func text(b []byte, n int) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), n)]), "\uFFFD")
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

func nameOf(p string) string {
	if p == "" {
		return ""
	}
	return path.Base(p)
}
