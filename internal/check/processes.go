package check

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A Process is one that ran when /proc was read.
type Process struct {
	PID     int
	Name    string
	Exe     string   // as /proc/PID/exe has it; "" for a kernel thread
	Sockets []uint64 // inodes
}

// Processes reads /proc, once per run.
func (h *Host) Processes() ([]Process, error) { return h.processes() }

func (h *Host) readProcesses() ([]Process, error) {
	entries, err := h.Dir("proc")
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		dir := path.Join("proc", e.Name())
		p := Process{PID: pid}
		if p.Name, err = h.Line(dir + "/comm"); err != nil {
			continue // it has ended
		}
		p.Exe, _ = h.Link(dir + "/exe")
		p.Sockets = h.sockets(dir + "/fd")
		all = append(all, p)
	}
	return all, nil
}

// sockets returns nothing of a process that does not let itself be looked at.
func (h *Host) sockets(dir string) []uint64 {
	entries, err := h.Dir(dir)
	if err != nil {
		return nil
	}
	var inodes []uint64
	for _, e := range entries {
		if e.Type() != fs.ModeSymlink {
			continue
		}
		target, err := h.Link(path.Join(dir, e.Name()))
		if err != nil || !strings.HasPrefix(target, "socket:[") {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(target[len("socket:["):], "]"), 10, 64)
		if err == nil {
			inodes = append(inodes, n)
		}
	}
	return inodes
}
