package sample

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A kernel counts what passes and keeps the rates it is told.
type kernel struct {
	*Sampler
	now    time.Time
	passed [event.Classes]uint64
	rates  map[event.Class]uint32
	calls  int
	err    error
}

func newKernel(t *testing.T, o Options) *kernel {
	t.Helper()
	k := &kernel{now: time.Unix(1_800_000_000, 0), rates: make(map[event.Class]uint32)}
	k.Sampler = New(o, k.set)
	require.NoError(t, k.observe())
	return k
}

func (k *kernel) set(c event.Class, rate uint32) error {
	k.calls++
	if k.err == nil {
		k.rates[c] = rate
	}
	return k.err
}

func (k *kernel) observe() error { return k.Observe(k.now, k.passed) }

// pass lets n events of a class through in a time.
func (k *kernel) pass(t *testing.T, c event.Class, n uint64, in time.Duration) {
	t.Helper()
	k.passed[c] += n
	k.now = k.now.Add(in)
	require.NoError(t, k.observe())
}

// raise brings a class to a rate that is a power of two, or to Max.
func (k *kernel) raise(t *testing.T, c event.Class, rate uint32) {
	t.Helper()
	for k.Rate(c) < rate {
		k.pass(t, c, 1e9, k.options.Interval)
	}
	require.Equal(t, rate, k.Rate(c))
	k.calls = 0
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to uint32
		passed   uint64 // in 10 s, with a target of 5,000/s
	}{
		{"nothing passes at 1", 1, 1, 0},
		{"the target passes", 1, 1, 50_000},
		{"twice the target passes", 1, 1, 100_000},
		{"over twice the target passes", 1, 2, 100_001},
		{"far over the target doubles once", 1, 2, 1e12},
		{"half the target passes", 8, 8, 25_000},
		{"under half the target passes", 8, 4, 24_999},
		{"nothing passes", 8, 4, 0},
		{"back to 1", 2, 1, 0},
		{"over twice the target at 8", 8, 16, 100_001},
		{"up to the highest", 8192, 10_000, 1e12},
		{"at the highest", 10_000, 10_000, 1e12},
		{"down from the highest", 10_000, 5000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKernel(t, Options{Target: DefaultTarget})
			k.raise(t, event.Connect, c.from)
			k.pass(t, event.Connect, c.passed, DefaultInterval)
			assert.Equal(t, c.to, k.Rate(event.Connect))
			if c.from == c.to {
				assert.Zero(t, k.calls, "only changes are set")
			} else {
				assert.Equal(t, 1, k.calls)
				assert.Equal(t, c.to, k.rates[event.Connect])
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		want    uint32
	}{
		{"no target", Options{}, 1},
		{"a negative target", Options{Target: -1}, 1},
		{"the default highest rate", Options{Target: 5}, 10_000},
		{"no rate over 1", Options{Target: 5, Max: 1}, 1},
		{"a highest rate that is no power of two", Options{Target: 5, Max: 3}, 3},
		{"a highest rate that no doubling reaches", Options{Target: 5, Max: 1<<32 - 1}, 1<<32 - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKernel(t, c.options)
			for range 40 {
				k.pass(t, event.Exec, 1e9, DefaultInterval)
			}
			assert.Equal(t, c.want, k.Rate(event.Exec))
		})
	}
}

func TestSampled(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	for c := range event.Classes {
		k.passed[c] = 1e6
	}
	k.now = k.now.Add(k.options.Interval)
	require.NoError(t, k.observe())
	assert.Equal(t, map[event.Class]uint32{
		event.Exec: 2, event.Exit: 2, event.FileOpen: 2, event.Connect: 2,
		event.Accept: 2, event.Close: 2, event.UDPSend: 2,
	}, k.rates)
	for c := range event.Classes {
		assert.Equal(t, Sampled(c), k.Rate(c) == 2, c)
	}
}

func TestEachClassHasItsRate(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	assert.EqualValues(t, 1, k.Highest())
	k.raise(t, event.Connect, 16)
	k.raise(t, event.Exec, 4) // while connect falls to 4
	k.raise(t, event.FileOpen, 2)
	assert.Equal(t, map[event.Class]uint32{event.Connect: 2, event.Exec: 2, event.FileOpen: 2}, k.rates)
	k.raise(t, event.Connect, 8)
	assert.EqualValues(t, 8, k.Highest())
}

func TestRateThatCannotBeSet(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	k.err = errors.New("no such map")
	k.passed[event.Exec], k.passed[event.Close] = 1e6, 1e6
	k.now = k.now.Add(k.options.Interval)
	err := k.observe()
	require.ErrorIs(t, err, k.err)
	assert.EqualError(t, err, "set the sample rate of exec to 2: no such map\n"+
		"set the sample rate of close to 2: no such map")
	assert.EqualValues(t, 1, k.Highest())

	k.err = nil
	k.pass(t, event.Exec, 1e6, k.options.Interval)
	assert.EqualValues(t, 2, k.Rate(event.Exec), "it is tried again")
	assert.EqualValues(t, 1, k.Rate(event.Close))
}
