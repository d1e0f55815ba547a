package receiver

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// fakeSensor is a sensor whose counters a test sets.
type fakeSensor struct {
	mu     sync.Mutex
	hooks  []sensor.Hook
	since  time.Time
	counts sensor.Counts
	err    error
	closed int

	feed    chan func(sensor.Handler) // nil: it only counts
	stopped chan struct{}
	readErr error
	rates   [event.KernelClasses]uint32
}

func (f *fakeSensor) Hooks() []sensor.Hook { return f.hooks }
func (f *fakeSensor) Since() time.Time     { return f.since }

func (f *fakeSensor) Count() (sensor.Counts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts, f.err
}

// Reports tells that it only counts unless a test feeds it.
func (f *fakeSensor) Reports() error {
	if f.feed == nil {
		return errors.New("only counts")
	}
	return nil
}

func (f *fakeSensor) Read(h sensor.Handler) error {
	for {
		select {
		case give := <-f.feed:
			give(h)
		case <-time.After(100 * time.Millisecond):
		case <-f.stopped:
			for {
				select {
				case give := <-f.feed:
					give(h)
				default:
					h.Tick(time.Now())
					return f.readErr
				}
			}
		}
		h.Tick(time.Now())
	}
}

func (f *fakeSensor) Stop() {
	if f.feed != nil {
		close(f.stopped)
	}
}

func (f *fakeSensor) Processes(func(*event.Actor)) error { return nil }
func (f *fakeSensor) Undecoded() uint64                  { return 0 }

func (f *fakeSensor) SetSampleRate(c event.Class, rate uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rates[c] = rate
	return nil
}

func (f *fakeSensor) Ledger() (event.Ledger, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts.Ledger, f.err
}

func (f *fakeSensor) Close() error {
	f.closed++
	return nil
}

func (f *fakeSensor) set(counts sensor.Counts, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts, f.err = counts, err
}

// fakeKernel opens fake sensors and remembers them.
type fakeKernel struct {
	hooks   []sensor.Hook
	options []sensor.Options
	opened  []*fakeSensor
	feeds   bool // they report events, too
}

func (f *fakeKernel) open(o sensor.Options) kernel {
	s := &fakeSensor{hooks: f.hooks, since: time.Now(), counts: distinctCounts()}
	if f.feeds {
		s.feed, s.stopped = make(chan func(sensor.Handler), 1000), make(chan struct{})
		s.counts = sensor.Counts{}
	}
	f.options = append(f.options, o)
	f.opened = append(f.opened, s)
	return s
}

func (f *fakeKernel) metrics(t testing.TB, cfg component.Config, sink *consumertest.MetricsSink) receiver.Metrics {
	r, err := newFactory(f.open, nil).CreateMetrics(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, sink)
	require.NoError(t, err)
	return r
}

// fakeHost remembers the statuses that were reported to it.
type fakeHost struct {
	component.Host
	mu     sync.Mutex
	events []*componentstatus.Event
}

func newFakeHost() *fakeHost { return &fakeHost{Host: componenttest.NewNopHost()} }

func (h *fakeHost) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *fakeHost) statuses() []componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []componentstatus.Status
	for _, e := range h.events {
		list = append(list, e.Status())
	}
	return list
}

// hookNames are the hooks that the receiver knows by name.
func hookNames() []string {
	return []string{
		"process.exec", "process.fork", "process.exit", "process.existing",
		"process.failure", "process.ptrace", "process.namespace",
		"network.tcp", "network.accept", "network.udp", "network.error", "network.existing",
		"file.open", "file.failure", "file.mount", "privilege.change", "privilege.failure", "kernel.module", "kernel.bpf",
	}
}

// servedBut are all hooks, served but for those named.
func servedBut(names ...string) []sensor.Hook {
	var list []sensor.Hook
	for _, name := range hookNames() {
		hook := sensor.Hook{Name: name, Program: "prog_" + name}
		for _, unserved := range names {
			if name == unserved {
				hook = sensor.Hook{Name: name, Err: errors.New("load program: operation not permitted")}
			}
		}
		list = append(list, hook)
	}
	return list
}

// distinctCounts are counts of which no two are the same, so that none can
// stand in for another.
func distinctCounts() sensor.Counts {
	var c sensor.Counts
	n := uint64(0)
	next := func() uint64 { n++; return n * 11 }
	for t := range event.ProcessTypes {
		c.Exec[t], c.Exit[t], c.Active[t] = next(), next(), int64(next())
	}
	for p := range event.Protocols {
		for d := range event.Directions {
			c.Connect[d][p], c.ConnectActive[d][p] = next(), int64(next())
		}
	}
	for e := range event.ConnectErrors {
		c.ConnectError[e] = next()
	}
	for o := range event.Operations {
		for s := range event.Severities {
			c.FileAccess[s][o] = next()
		}
	}
	for r := range event.Results {
		for e := range event.Escalations {
			c.Escalation[e][r] = next()
		}
		for a := range event.ModuleActions {
			c.Module[a][r] = next()
		}
		for b := range event.BPFCommands {
			c.BPF[b][r] = next()
		}
	}
	for class := range event.KernelClasses {
		for _, o := range []event.Outcome{event.Filtered, event.Sampled, event.LostRing} {
			c.Ledger[class][o] = next()
			c.Ledger[class][event.Observed] += c.Ledger[class][o]
		}
	}
	c.Untracked, c.Missed = next(), next()
	return c
}
