package receiver

import (
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

// A checker looks at the host's configuration again and again.
type checker interface {
	Start()
	Outcomes() (all []check.Outcome, complete bool)
	Close()
}

// A newChecker makes one that tells ran of each run of a check.
type newChecker func(c *Config, ran func(check.Outcome, []check.Change)) (checker, error)

// hostChecker looks at the host whose root is where the config says.
func hostChecker(c *Config, ran func(check.Outcome, []check.Change)) (checker, error) {
	root, err := check.OpenRoot(string(c.RootPath))
	if err != nil {
		return nil, fmt.Errorf("root_path: %w", err)
	}
	prepare := func(h *check.Host) {
		check.Prepare(h)
		h.Legacy = sensor.Iptables{}
	}
	return rooted{check.NewRunner(root, c.Checks.options(), prepare, ran), root}, nil
}

// rooted closes what a runner reads from, too.
type rooted struct {
	*check.Runner
	root *check.Root
}

// Close ends the runs, and waits for none that hangs.
func (r rooted) Close() {
	r.Runner.Close()
	go func() {
		r.Wait()
		_ = r.root.Close()
	}()
}

// A hostChecks is the checks of one config, and who wants to know of changes.
type hostChecks struct {
	checker // nil if there are none
	logger  *zap.Logger
	err     error // why there are none that were asked for
	tally   *tally

	mu     sync.Mutex
	last   map[string]check.Status // by check
	listen func([]check.Change)
}

// startChecks begins to look, if the config wants that.
func startChecks(open newChecker, c *Config, logger *zap.Logger, t *tally) *hostChecks {
	h := &hostChecks{logger: logger, tally: t, last: make(map[string]check.Status)}
	if !c.Checks.Enabled || open == nil {
		return h
	}
	if h.checker, h.err = open(c, h.ran); h.err != nil {
		h.checker = nil
		h.err = fmt.Errorf("the host's configuration is not checked: %w", h.err)
		logger.Warn("The host's configuration is not checked", zap.Stringer("reason", reason{h.err}))
		return h
	}
	h.Start()
	return h
}

func (h *hostChecks) stop() {
	if h.checker != nil {
		h.Close()
	}
}

// outcomes are what was found last.
func (h *hostChecks) outcomes() (all []check.Outcome, complete bool) {
	if h.checker == nil {
		return nil, false
	}
	return h.Outcomes()
}

// ran says what a check could not see, once, and passes on what changed.
func (h *hostChecks) ran(o check.Outcome, changes []check.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if was := h.last[o.Check]; was != o.Status {
		if o.Status == check.OK {
			h.logger.Info("A check sees all again", zap.String("check", o.Check))
		} else {
			h.logger.Warn("A check does not see all", zap.String("check", o.Check),
				zap.Stringer("status", o.Status), zap.Stringer("reason", reason{o.Err}))
		}
	}
	h.last[o.Check] = o.Status
	h.tally.observeChanges(len(changes), h.listen != nil)
	if h.listen != nil && len(changes) > 0 {
		h.listen(changes)
	}
}

// tell has f told of changes from now on, nobody if it is nil. f must not wait.
func (h *hostChecks) tell(f func([]check.Change)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listen = f
}
