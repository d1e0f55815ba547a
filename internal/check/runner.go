package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// A Runner runs the checks again and again, and keeps what they found last. A
// check that fails, panics or hangs takes nothing else with it.
type Runner struct {
	root    fs.FS
	options Options
	prepare func(*Host)
	ran     func(Outcome, []Change)
	checks  []*slot

	mu      sync.Mutex // guards what is last in the slots
	telling sync.Mutex // lets one run be told after another

	stop context.CancelFunc
	done sync.WaitGroup
}

// A slot is the place of one check.
type slot struct {
	Check
	last Outcome
	base baseline
	busy chan struct{} // holds one while the check runs
}

// NewRunner takes the host's file system, what gives a Host that is not a file
// (nil for nothing), and who is told of each run of a check and of what changed
// since the one before; that must not wait.
func NewRunner(root fs.FS, o Options, prepare func(*Host), ran func(Outcome, []Change)) *Runner {
	return newRunner(All(), root, o, prepare, ran)
}

func newRunner(checks []Check, root fs.FS, o Options, prepare func(*Host), ran func(Outcome, []Change)) *Runner {
	if prepare == nil {
		prepare = func(*Host) {}
	}
	if ran == nil {
		ran = func(Outcome, []Change) {}
	}
	r := &Runner{root: root, options: o, prepare: prepare, ran: ran}
	for _, c := range checks {
		if o.runs(&c) {
			r.checks = append(r.checks, &slot{Check: c, busy: make(chan struct{}, 1)})
		}
	}
	return r
}

// Start runs all checks, and then each at its pace. Those that are slow do not
// keep the others waiting.
func (r *Runner) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() { r.keep(ctx, Normal, r.options.Interval) })
	r.done.Go(func() { r.keep(ctx, Slow, r.options.SlowInterval) })
}

// Close ends the runs. It does not wait for a check that hangs.
func (r *Runner) Close() {
	if r.stop != nil {
		r.stop()
	}
	r.done.Wait()
}

// Wait returns when no check runs any more, none that hung either. Only then may
// what they read from be closed.
func (r *Runner) Wait() {
	for _, s := range r.checks {
		s.busy <- struct{}{}
		<-s.busy
	}
}

func (r *Runner) keep(ctx context.Context, pace Pace, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	r.runAll(ctx, pace)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.runAll(ctx, pace)
		}
	}
}

// runAll runs the checks of one pace, one after another, on one view of the host.
func (r *Runner) runAll(ctx context.Context, pace Pace) {
	h := NewHost(r.root, r.options)
	h.NetNS, _ = os.Readlink("/proc/self/ns/net")
	r.prepare(h)
	for _, s := range r.checks {
		if s.Pace == pace && ctx.Err() == nil {
			r.run(ctx, s, h)
		}
	}
}

// run leaves a check alone that still hangs.
func (r *Runner) run(ctx context.Context, s *slot, h *Host) {
	var o Outcome
	select {
	case s.busy <- struct{}{}:
		o = s.attempt(ctx, h)
	default:
		o = Outcome{Status: Timeout, Err: context.DeadlineExceeded}
	}
	if ctx.Err() != nil {
		return // cut short
	}
	o.Time = h.Now()
	r.options.settle(&s.Check, &o)
	r.mu.Lock()
	s.last = o
	r.mu.Unlock()
	changes := s.base.compare(o)
	r.telling.Lock()
	defer r.telling.Unlock()
	r.ran(o, changes)
}

// attempt returns when the check has ended or its time is over.
func (s *slot) attempt(ctx context.Context, h *Host) Outcome {
	ctx, cancel := context.WithTimeout(ctx, s.Pace.timeout())
	ended := make(chan Outcome, 1)
	go func() {
		defer cancel()
		o := s.look(ctx, h)
		<-s.busy
		ended <- o
	}()
	select {
	case o := <-ended:
		return o
	case <-ctx.Done():
	}
	select {
	case o := <-ended: // both at once
		return o
	default:
		return Outcome{Status: Timeout, Err: ctx.Err()}
	}
}

// look runs the check here and now.
func (c *Check) look(ctx context.Context, h *Host) (o Outcome) {
	f := newFindings(h.Limit)
	defer func() {
		if p := recover(); p != nil {
			o = Outcome{Status: Error, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	f.Problem(c.Run(ctx, h, f))
	return Outcome{Status: f.status(), Err: errors.Join(f.problems...), findings: *f}
}
