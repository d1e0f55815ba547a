package topn

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guaranteed compares a Counter with exact counts.
func guaranteed(t *testing.T, c *Counter, exact map[string]uint64) {
	t.Helper()
	held, sum := make(map[string]bool), uint64(0)
	top := c.Top(c.capacity)
	for i, e := range top {
		held[e.Key] = true
		sum += e.Count
		require.LessOrEqual(t, e.Count-e.Error, exact[e.Key], e)
		require.GreaterOrEqual(t, e.Count, exact[e.Key], e)
		require.True(t, i == 0 || e.Count < top[i-1].Count ||
			e.Count == top[i-1].Count && e.Key > top[i-1].Key, "ordered")
	}
	require.Len(t, held, len(top))
	require.Equal(t, c.Total(), sum)
	for key, count := range exact {
		high, low := bits.Mul64(count, uint64(c.capacity))
		require.True(t, held[key] || high == 0 && low <= c.Total(), "%s: %d is missing", key, count)
	}
}

// A stream gives the key and the weight of its i-th event.
type stream func(i int) (key, weight uint64)

// streams have up to ten times as many keys as the capacity.
func streams(capacity int) map[string]func(*rand.Rand) stream {
	keys := uint64(10 * capacity)
	zipf := func(s float64) func(*rand.Rand) stream {
		return func(r *rand.Rand) stream {
			z := rand.NewZipf(r, s, 1, keys-1)
			return func(int) (uint64, uint64) { return z.Uint64(), 1 }
		}
	}
	return map[string]func(*rand.Rand) stream{
		"steep Zipf": zipf(2),
		"flat Zipf":  zipf(1.1),
		"uniform": func(r *rand.Rand) stream {
			return func(int) (uint64, uint64) { return r.Uint64N(keys), 1 }
		},
		"one more key than fits, in turn": func(*rand.Rand) stream {
			return func(i int) (uint64, uint64) { return uint64(i % (capacity + 1)), 1 }
		},
		"never the same key": func(*rand.Rand) stream {
			return func(i int) (uint64, uint64) { return uint64(i), 1 }
		},
		"a heavy key among ever new ones": func(*rand.Rand) stream {
			return func(i int) (uint64, uint64) { return uint64(i) * min(1, uint64(i%capacity)), 1 }
		},
		"weighted Zipf": func(r *rand.Rand) stream {
			z := rand.NewZipf(r, 1.2, 1, keys-1)
			return func(int) (uint64, uint64) { return z.Uint64(), 1 + r.Uint64N(10_000) }
		},
		"weights that double": func(r *rand.Rand) stream {
			return func(i int) (uint64, uint64) { return r.Uint64N(keys), 1 << (i % 14) }
		},
	}
}

func TestGuarantees(t *testing.T) {
	for _, capacity := range []int{1, 2, 10, 100} {
		for name, begin := range streams(capacity) {
			t.Run(fmt.Sprintf("%s, %d", name, capacity), func(t *testing.T) {
				c, exact := New(capacity), make(map[string]uint64)
				next := begin(rand.New(rand.NewPCG(3, uint64(capacity))))
				for i := range 20_000 {
					n, weight := next(i)
					key := fmt.Sprint("/usr/bin/", n)
					exact[key] += weight
					c.Add([]byte(key), weight)
					if i%997 == 0 {
						guaranteed(t, c, exact)
					}
				}
				guaranteed(t, c, exact)
				check(t, c)
			})
		}
	}
}

func TestExactBelowCapacity(t *testing.T) {
	c, exact, r := New(100), make(map[string]uint64), rand.New(rand.NewPCG(4, 5))
	for range 50_000 {
		key, weight := fmt.Sprint(r.Uint64N(100)), r.Uint64N(20)
		exact[key] += weight
		c.Add([]byte(key), weight)
	}
	for _, e := range c.Top(100) {
		assert.Equal(t, Entry{Key: e.Key, Count: exact[e.Key]}, e)
	}
	assert.Zero(t, c.Evicted())
	guaranteed(t, c, exact)
}

func TestTheSameStreamGivesTheSameTop(t *testing.T) {
	run := func() []Entry {
		c, r := New(20), rand.New(rand.NewPCG(6, 7))
		for range 10_000 {
			c.Add(fmt.Append(nil, r.Uint64N(100)), 1)
		}
		return c.Top(20)
	}
	assert.Equal(t, run(), run())
}
