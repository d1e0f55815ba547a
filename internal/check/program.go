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

// An executables finds the programs of processes. It asks for each path once.
type executables struct {
	host  *Host
	there map[string]fs.FileInfo // nil for what is not there
}

func (h *Host) executables() executables { return executables{h, map[string]fs.FileInfo{}} }

// of describes the program of a process.
func (e executables) of(p Process) program {
	name, isDeleted := strings.CutSuffix(p.Exe, " (deleted)")
	at := program{pid: p.PID, path: name, isDeleted: isDeleted}
	there, ok := e.there[name]
	if !ok {
		if info, err := e.host.Stat(name); err == nil && info.Mode().IsRegular() {
			there = info
		}
		e.there[name] = there
	}
	if running, err := e.host.statExe(p.PID); err == nil {
		if info, err := e.host.Stat(p.Exe); isDeleted && err == nil && os.SameFile(running, info) {
			at.path, at.isDeleted, there = p.Exe, false, info // that is its name
		}
		at.isHosts = there != nil && os.SameFile(running, there)
		at.key = at.path + "\x00" + running.ModTime().String() + "\x00" + fileID(running)
	} else { // all that is known is the name
		at.isHosts = there != nil && !isDeleted
		at.key = p.Exe
	}
	return at
}

// exeFS is a file system that knows the programs of processes.
type exeFS interface {
	OpenExe(pid int) (*os.File, error)
	StatExe(pid int) (fs.FileInfo, error)
}

func (h *Host) statExe(pid int) (fs.FileInfo, error) {
	if r, ok := h.fs.(exeFS); ok {
		return r.StatExe(pid)
	}
	return nil, errNotProc
}

func (h *Host) openExe(pid int) (fs.File, error) {
	r, ok := h.fs.(exeFS)
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
