package process

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookupTimeout is how long the reader of records waits for /proc.
	lookupTimeout = 100 * time.Millisecond
	// lookupsPerSecond bounds what a flood of unknown processes costs. One takes
	// some 50 µs.
	lookupsPerSecond = 1000
	// maxStuck bounds how many processes that cannot be read are waited for.
	maxStuck = 8
)

// proc asks the host's /proc. It does so in another goroutine, as a read of a
// process's arguments waits for locks and pages of that process.
type proc struct {
	dir       string
	read      func(dir string, s subject) *Image
	stop      <-chan struct{}
	tasks     *sync.WaitGroup
	questions chan question // to the goroutine; nil if there is none
	stuck     atomic.Int32  // goroutines that are no longer waited for
	timer     *time.Timer

	second time.Time // that asked counts in
	asked  int
}

type question struct {
	subject subject
	answer  chan *Image
}

func newProc(root string, stop <-chan struct{}, tasks *sync.WaitGroup) *proc {
	return &proc{
		dir:   filepath.Join(root, "proc"),
		read:  readImage,
		stop:  stop,
		tasks: tasks,
		timer: time.NewTimer(0),
	}
}

// allows says whether one more look-up is within bounds.
func (p *proc) allows(now time.Time) bool {
	if now.Sub(p.second) >= time.Second {
		p.second, p.asked = now, 0
	}
	p.asked++
	return p.asked <= lookupsPerSecond
}

// image returns nil if the process is not there, or does not let itself be read.
func (p *proc) image(s subject) *Image {
	if !p.listens() {
		return nil
	}
	q := question{s, make(chan *Image, 1)}
	p.questions <- q // has room for one
	p.timer.Reset(lookupTimeout)
	select {
	case img := <-q.answer:
		return img
	case <-p.timer.C:
		p.stuck.Add(1)
		close(p.questions)
		p.questions = nil
	case <-p.stop:
	}
	return nil
}

// listens starts the goroutine if there is none, and not too many are stuck.
func (p *proc) listens() bool {
	select {
	case <-p.stop:
		return false
	default:
	}
	if p.questions == nil && p.stuck.Load() < maxStuck {
		questions := make(chan question, 1)
		p.questions = questions
		p.tasks.Go(func() { p.answer(questions) })
	}
	return p.questions != nil
}

func (p *proc) answer(questions <-chan question) {
	for {
		select {
		case <-p.stop:
			return
		case q, ok := <-questions:
			if !ok {
				p.stuck.Add(-1)
				return
			}
			q.answer <- p.read(p.of(q.subject.who.pid), q.subject)
		}
	}
}

func (p *proc) of(pid uint32) string {
	return filepath.Join(p.dir, strconv.FormatUint(uint64(pid), 10))
}

// open returns the directory of a process in /proc, nil if it is not there or
// is of another one. It stays that process's, also when its number is given anew.
func (p *proc) open(who identity) *os.Root {
	dir, err := os.OpenRoot(p.of(who.pid))
	if err != nil {
		return nil
	}
	if s, ok := readStat(dir); !ok || !s.isOf(who) {
		_ = dir.Close()
		return nil
	}
	return dir
}
