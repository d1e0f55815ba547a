package process

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// lookupTimeout is how long the reader of records waits for /proc.
	lookupTimeout = 100 * time.Millisecond
	// lookupsPerSecond bounds what a flood of unknown processes costs.
	lookupsPerSecond = 2000
)

// proc asks the host's /proc. It does so in a goroutine of its own, as a read
// of a process's arguments waits for locks and pages of that process.
type proc struct {
	dir       string
	read      func(dir string, s subject) *Image
	questions chan question
	pending   chan *Image // the answer that was given up on
	timer     *time.Timer
	stop      <-chan struct{}

	second time.Time // that asked counts in
	asked  int
}

type question struct {
	subject subject
	answer  chan *Image
}

func newProc(root string, stop <-chan struct{}) *proc {
	return &proc{
		dir:       filepath.Join(root, "proc"),
		read:      readImage,
		questions: make(chan question, 1),
		timer:     time.NewTimer(0),
		stop:      stop,
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

// answer serves the questions until the end.
func (p *proc) answer() {
	for {
		select {
		case <-p.stop:
			return
		case q := <-p.questions:
			q.answer <- p.read(p.of(q.subject.who.pid), q.subject)
		}
	}
}

// image returns nil if the process is not there, or does not let itself be read.
func (p *proc) image(s subject) *Image {
	if p.pending != nil {
		select {
		case <-p.pending:
			p.pending = nil
		default:
			return nil
		}
	}
	q := question{s, make(chan *Image, 1)}
	select {
	case p.questions <- q:
	case <-p.stop:
		return nil
	}
	p.timer.Reset(lookupTimeout)
	select {
	case img := <-q.answer:
		return img
	case <-p.timer.C:
		p.pending = q.answer
	case <-p.stop:
	}
	return nil
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
