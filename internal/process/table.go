// Package process knows who did it: what a process runs, who its ancestors
// are, in which container it lives, and as whom. All that it remembers is
// bounded, as those who are watched decide how much there is to remember.
package process

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// MaxAncestors is the most generations that Options can ask for.
const MaxAncestors = 16

// Options say what a Table remembers.
type Options struct {
	Root      string // where the host's root directory is mounted; / if empty
	Ancestors int    // how many generations Describe tells: 0…MaxAncestors
	MaxImages int    // how many images to remember, of 1 KiB on average; 0 is 16384
}

// A Table knows processes by number and start. One goroutine uses it, but for
// Stats, which any may call.
//
// With the default options it takes 16 MiB at most for images, 4 for processes,
// 18 for cgroups, and for users and groups as much as their files, at most 12
// for each.
type Table struct {
	options   Options
	stats     counters
	clock     clock
	images    *images
	lives     *lives
	proc      *proc
	cgroups   *cgroups
	users     *users
	described Process
	unnamed   uint64 // how many images the kernel gave no name

	stop  chan struct{}
	tasks sync.WaitGroup
}

// New returns a table that knows the users and groups of the host, and no
// process. Close ends its goroutines.
func New(o Options) *Table {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.MaxImages <= 0 {
		o.MaxImages = 16384
	}
	o.Ancestors = max(0, min(o.Ancestors, MaxAncestors))
	t := &Table{options: o, clock: newClock(), stop: make(chan struct{})}
	t.images = newImages(o.MaxImages, &t.stats)
	t.lives = newLives(o.MaxImages, &t.stats)
	t.proc = newProc(o.Root, t.stop, &t.tasks)
	t.cgroups = newCgroups(o.Root, t.proc, &t.stats)
	t.users = newUsers(o.Root, &t.stats)
	t.described.Ancestors = make([]*Image, 0, o.Ancestors)
	t.tasks.Go(func() { t.users.keep(t.stop) })
	return t
}

// Start learns of the processes and cgroups that are there. each calls its
// argument for every process that the kernel knows; the rest comes from /proc.
func (t *Table) Start(each func(func(*event.Actor)) error) error {
	used := map[uint32]bool{0: true}
	err := each(func(a *event.Actor) {
		used[a.Hierarchy] = true
		t.meet(a)
	})
	if err != nil {
		err = fmt.Errorf("list the processes: %w", err)
	}
	return errors.Join(err, t.cgroups.walk(used))
}

// meet remembers a process that was there before the sensor.
func (t *Table) meet(a *event.Actor) {
	if old := t.images.get(a.Image); old != nil && old.PID != 0 {
		return
	}
	s := subjectOf(a)
	s.forked = false // the kernel gave it an image of its own
	img := t.ask(s)
	if img == nil {
		return
	}
	// Only here: a later event may be of a directory that the process has left.
	img.cwd, img.CWD = a.CWD, img.seenCWD
	t.remember(img, s)
}

// Cgroup remembers the path of a cgroup.
func (t *Table) Cgroup(c event.Cgroup) {
	t.cgroups.add(cgroupKey{c.ID, c.Hierarchy}, newCgroup(c.Path))
}

// Exec remembers what a process runs from now on, if it was not refused.
func (t *Table) Exec(e *event.Event) {
	if e.Class != event.Exec || e.Errno != 0 {
		return
	}
	s := subjectOf(&e.Actor)
	img := newImage(e)
	s.forked = false
	t.remember(img, s)
}

// unnamed is in no name that the kernel gives: those have a CPU's number in
// their upper bits, or bit 63 and nanoseconds since boot.
const unnamed = 1 << 62

// remember files an image under its name, and under the process that runs it.
func (t *Table) remember(img *Image, s subject) {
	img.id, img.seenCWD = s.image, ""
	if img.id == 0 {
		t.unnamed++
		img.id = unnamed | t.unnamed
	}
	if !s.forked {
		img.who, img.PID, img.ExecID = s.who, s.who.pid, s.who.execID()
		img.parent, img.parentWho = s.parent, s.parentWho
	}
	t.images.add(img)
	if l := t.lives.at(s.who); l != nil {
		l.image = img.id
		if img.who == s.who {
			l.execID = img.ExecID
		}
	}
}

// Stats says how much is remembered, and what was forgotten to stay in bounds.
func (t *Table) Stats() Stats { return t.stats.read() }

// Close ends the goroutines. The table is of no use after.
func (t *Table) Close() error {
	select {
	case <-t.stop:
		return nil
	default:
	}
	close(t.stop)
	t.cgroups.close()
	done := make(chan struct{})
	go func() {
		t.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(closeTimeout):
		return errors.New("a read of /proc does not end")
	}
}

const closeTimeout = 5 * time.Second
