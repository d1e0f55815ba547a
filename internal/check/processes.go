package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// maxDescriptors is about how many open files are looked at in one run: each
// costs the kernel microseconds. Where there are more, each process gets a fair
// part, and servers open early what they listen on.
const maxDescriptors = 1 << 16

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
	r := processReader{proc: proc, left: maxDescriptors}
	all, large := r.all(numbers(names))
	if !r.again(all, large) {
		err = errDescriptors
	}
	return all, cmp.Or(err, r.err)
}

// A processReader shares out the descriptors that may be looked at.
type processReader struct {
	proc *Dir
	left int
	err  error // of the first process that does not let itself be looked at
}

// missed notes what is not known of a process, unless it has ended.
func (r *processReader) missed(pid int, err error) {
	if nothing(err) != nil && !errors.Is(err, syscall.ESRCH) && r.err == nil {
		r.err = fmt.Errorf("process %d: %w", pid, err)
	}
}

// A largeProcess has more descriptors than its part.
type largeProcess struct{ place, part int }

func (r *processReader) all(pids []int) (all []Process, large []largeProcess) {
	for i, pid := range pids {
		part := r.left / (len(pids) - i)
		p, whole, ok := r.read(pid, part)
		if !ok {
			continue
		}
		if !whole {
			large = append(large, largeProcess{len(all), part})
		}
		all = append(all, p)
	}
	return all, large
}

// again gives large processes what the others have left. It says whether that
// was enough.
func (r *processReader) again(all []Process, large []largeProcess) (enough bool) {
	enough = true
	for i, l := range large {
		part := r.left / (len(large) - i)
		if part <= l.part {
			enough = false
			continue
		}
		p, whole, ok := r.read(all[l.place].PID, part)
		if ok {
			all[l.place] = p
		}
		enough = enough && whole
	}
	return enough
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

// read looks at so many descriptors of a process, and says whether these are
// all. Of a process that has ended, or cannot be seen, it returns false.
func (r *processReader) read(pid, limit int) (p Process, whole, ok bool) {
	p.PID = pid
	dir, err := r.proc.Sub(strconv.Itoa(pid))
	if err != nil {
		r.missed(pid, err)
		return p, true, false
	}
	defer dir.Close()
	comm, err := dir.Read("comm", maxText)
	if err != nil {
		r.missed(pid, err)
		return p, true, false
	}
	p.Name = strings.TrimSuffix(string(comm), "\n")
	p.Exe, err = dir.Link("exe") // a kernel thread has none
	r.missed(pid, err)
	p.Sockets, whole, err = r.sockets(dir, limit)
	r.missed(pid, err)
	return p, whole, true
}

func (r *processReader) sockets(process *Dir, limit int) (inodes []uint64, whole bool, err error) {
	dir, err := process.Sub("fd")
	if err != nil {
		return nil, true, err
	}
	defer dir.Close()
	names, whole, err := dir.Names(limit)
	if err != nil {
		return nil, true, err
	}
	r.left -= len(names)
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
	return inodes, whole, nil
}
