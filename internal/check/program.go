package check

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

var errNotProc = errors.New("not the kernel's /proc")

// A program is an executable that runs.
type program struct {
	pid  int
	path string // as the process sees it
	// isHosts says whether it is the file that the host has at the path: not one
	// of a container's, and not one that an upgrade has replaced.
	isHosts   bool
	isDeleted bool
	key       string // the same for processes that run the same
}

// program describes the executable of a process.
func (h *Host) program(p Process) program {
	name, isDeleted := strings.CutSuffix(p.Exe, " (deleted)")
	at := program{pid: p.PID, path: name, isDeleted: isDeleted}
	there, err := h.Stat(name)
	running, runErr := h.statExe(p.PID)
	if runErr == nil {
		at.isHosts = err == nil && os.SameFile(running, there)
		at.key = name + "\x00" + running.ModTime().String()
	} else { // all that is known is the name
		at.isHosts = err == nil && !isDeleted && there.Mode().IsRegular()
		at.key = p.Exe
	}
	return at
}

func (h *Host) statExe(pid int) (fs.FileInfo, error) {
	f, err := h.openExe(pid)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return f.Stat()
}

func (h *Host) openExe(pid int) (fs.File, error) {
	r, ok := h.fs.(*Root)
	if !ok {
		return nil, errNotProc
	}
	f, err := r.OpenExe(pid)
	if err != nil {
		return nil, err // not f, which is a nil of another type
	}
	return f, nil
}

// openProgram opens an executable, by its process where that can be.
func (h *Host) openProgram(p program) (fs.File, error) {
	f, err := h.openExe(p.pid)
	if err != nil && p.isHosts {
		return h.Open(p.path)
	}
	return f, err
}
