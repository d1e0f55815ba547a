package sample

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// offer lets an interval of a steady load arrive and returns what passes per second.
func (k *kernel) offer(t *testing.T, perSecond float64) float64 {
	t.Helper()
	passing := perSecond / float64(k.Rate(event.Connect))
	k.pass(t, event.Connect, uint64(passing*k.options.Interval.Seconds()), k.options.Interval)
	return passing
}

func TestAFloodSettles(t *testing.T) {
	k := newKernel(t, Options{Target: DefaultTarget})
	for range 10 {
		k.offer(t, 200_000)
	}
	assert.EqualValues(t, 32, k.Rate(event.Connect))
	calls := k.calls
	for range 1000 {
		passing := k.offer(t, 200_000)
		require.GreaterOrEqual(t, passing, 2500.0)
		require.LessOrEqual(t, passing, 10_000.0)
	}
	assert.Equal(t, calls, k.calls, "a steady load changes nothing")
	for range 5 {
		k.offer(t, 100)
	}
	assert.EqualValues(t, 1, k.Rate(event.Connect), "the flood is over")
}

func TestAnySteadyLoadSettles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		o := Options{Target: math.Exp(random.Float64() * 12), Max: 1 + random.Uint32N(20_000)}
		k := newKernel(t, o)
		for range 3 { // one load after the other, up or down
			load := math.Exp(random.Float64() * 18)
			for range 16 { // 2^15 > 20,000
				k.offer(t, load)
			}
			k.calls = 0
			passing := k.offer(t, load)
			for range 20 {
				k.offer(t, load)
			}
			require.Zero(t, k.calls, "load %v, %+v", load, o)
			rate := k.Rate(event.Connect)
			slack := 1 / k.options.Interval.Seconds() // whole events are counted
			require.True(t, passing <= 2*o.Target+slack || rate == o.Max, "load %v, %+v", load, o)
			require.True(t, passing >= o.Target/2-slack || rate == 1, "load %v, %+v", load, o)
		}
	}
}

// FuzzObserve holds the laws of a step against any counters and any clock. Each
// four bytes are a call: how late it comes, and how much of which classes passes.
func FuzzObserve(f *testing.F) {
	f.Add([]byte{10, 20, 0xff, 0xff, 10, 1, 1, 0, 0x80, 20, 1, 1}, uint32(100))
	f.Add([]byte{10, 28, 0xff, 0xff, 20, 28, 0xff, 0xff, 10, 0, 0xff, 0xff}, uint32(3))
	f.Fuzz(func(t *testing.T, calls []byte, highest uint32) {
		k := newKernel(t, Options{Target: 1000, Max: highest})
		for ; len(calls) >= 4; calls = calls[4:] {
			var before [event.Classes]uint32
			for c := range event.Classes {
				before[c] = k.Rate(c)
				if (uint16(calls[2])<<8|uint16(calls[3]))>>c&1 == 1 {
					k.passed[c] += 1 << (calls[1] % 70) // may go round
				}
			}
			k.now = k.now.Add(time.Duration(int8(calls[0])) * time.Second)
			require.NoError(t, k.observe())
			for c := range event.Classes {
				checkStep(t, k, c, before[c])
			}
		}
	})
}

func checkStep(t *testing.T, k *kernel, c event.Class, before uint32) {
	t.Helper()
	rate := k.Rate(c)
	require.Contains(t, []uint32{
		before, max(before/2, 1), uint32(min(2*uint64(before), uint64(k.options.Max))),
	}, rate)
	require.LessOrEqual(t, rate, max(k.options.Max, 1))
	require.LessOrEqual(t, rate, k.Highest())
	if told, ok := k.rates[c]; ok {
		require.Equal(t, told, rate, "the kernel knows")
	} else {
		require.EqualValues(t, 1, rate)
	}
	if !Sampled(c) {
		require.NotContains(t, k.rates, c)
	}
}
