package check

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// maxDescriptors is how many open files are looked at in one run. More than
// that are some user's attempt to keep the receiver busy.
const maxDescriptors = 1 << 20

var errDescriptors = errors.New("too many open files to look at all")

// A Process is one that ran when /proc was read.
type Process struct {
	PID     int
	Name    string
	Exe     string   // as /proc/PID/exe has it; "" for a kernel thread
	Sockets []uint64 // inodes
}

// Processes reads /proc, once per run. With an error it returns what it saw.
func (h *Host) Processes() ([]Process, error) { return h.processes() }

func (h *Host) readProcesses() ([]Process, error) {
	proc, err := h.OpenDir("proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, whole, err := proc.Names(maxEntries)
	if err != nil {
		return nil, err
	}
	if !whole {
		err = errTooMany
	}
	var all []Process
	left := maxDescriptors
	for _, pid := range numbers(names) {
		if p, ok := readProcess(proc, pid, &left); ok {
			all = append(all, p)
		}
	}
	if left <= 0 {
		err = errDescriptors
	}
	return all, err
}

// numbers are the names that are numbers, sorted.
func numbers(names []string) []int {
	var all []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// readProcess returns false for a process that has ended.
func readProcess(proc *Dir, pid int, left *int) (Process, bool) {
	p := Process{PID: pid}
	dir, err := proc.Sub(strconv.Itoa(pid))
	if err != nil {
		return p, false
	}
	defer dir.Close()
	comm, err := dir.Read("comm", maxText)
	if err != nil {
		return p, false
	}
	p.Name = strings.TrimSuffix(string(comm), "\n")
	p.Exe, _ = dir.Link("exe")
	p.Sockets = sockets(dir, left)
	return p, true
}

// sockets returns nothing of a process that does not let itself be looked at.
func sockets(process *Dir, left *int) []uint64 {
	dir, err := process.Sub("fd")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _, err := dir.Names(max(*left, 0))
	if err != nil {
		return nil
	}
	*left -= len(names)
	var inodes []uint64
	for _, name := range names {
		target, err := dir.Link(name)
		if err != nil || !strings.HasPrefix(target, "socket:[") {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(target[len("socket:["):], "]"), 10, 64)
		if err == nil {
			inodes = append(inodes, n)
		}
	}
	slices.Sort(inodes)
	return inodes
}
