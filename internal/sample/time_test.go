package sample

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestTheFirstCallOnlyStarts(t *testing.T) {
	s := New(Options{Target: 1}, func(event.Class, uint32) error {
		t.Error("a rate was set")
		return nil
	})
	require.NoError(t, s.Observe(time.Unix(100, 0), [event.Classes]uint64{event.Exec: 1e18}))
	require.NoError(t, s.Observe(time.Unix(110, 0), [event.Classes]uint64{event.Exec: 1e18}))
}

func TestCallsWithinAnInterval(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	for range 9 {
		k.pass(t, event.Exec, 1000, time.Second)
	}
	assert.Zero(t, k.calls)
	k.pass(t, event.Exec, 1000, time.Second)
	assert.EqualValues(t, 2, k.Rate(event.Exec))
	k.pass(t, event.Exec, 1e6, time.Second)
	assert.Equal(t, 1, k.calls, "the next interval has begun")
}

func TestAnIntervalThatEndsLate(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	k.pass(t, event.Exec, 5000, 25*time.Second)
	assert.EqualValues(t, 1, k.Rate(event.Exec), "200/s")
	k.pass(t, event.Exec, 5100, 25*time.Second)
	assert.EqualValues(t, 2, k.Rate(event.Exec), "204/s")
	k.pass(t, event.Exec, 0, time.Hour)
	assert.EqualValues(t, 1, k.Rate(event.Exec), "one step however late")
}

func TestAClockThatGoesBack(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	k.pass(t, event.Exec, 1e6, -time.Hour)
	assert.Zero(t, k.calls, "the measurement begins anew")
	k.pass(t, event.Exec, 1000, k.options.Interval)
	assert.Zero(t, k.calls, "100/s: what came before does not count")
	k.pass(t, event.Exec, 1e6, k.options.Interval)
	assert.EqualValues(t, 2, k.Rate(event.Exec))
}

func TestACounterThatBeginsAnew(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	k.raise(t, event.Exec, 8)
	k.passed[event.Exec] = 0
	k.pass(t, event.Exec, 10, k.options.Interval)
	assert.EqualValues(t, 8, k.Rate(event.Exec), "what passed is unknown")
	k.pass(t, event.Exec, 10, k.options.Interval)
	assert.EqualValues(t, 4, k.Rate(event.Exec))
}

func TestRateMayBeAskedAnyTime(t *testing.T) {
	k := newKernel(t, Options{Target: 100})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for k.Rate(event.Exec) < 1024 || k.Highest() < 1024 {
			time.Sleep(time.Microsecond)
		}
	}()
	k.raise(t, event.Exec, 1024)
	<-done
}
