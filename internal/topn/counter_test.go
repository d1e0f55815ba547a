package topn

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted counts the words of a stream; "a*5" is five times a.
func counted(t *testing.T, capacity int, stream string) *Counter {
	t.Helper()
	c := New(capacity)
	for _, word := range strings.Fields(stream) {
		key, times, weighted := strings.Cut(word, "*")
		weight, err := strconv.ParseUint(times, 10, 64)
		if !weighted {
			weight, err = 1, nil
		}
		require.NoError(t, err)
		c.Add([]byte(key), weight)
	}
	return c
}

func TestTop(t *testing.T) {
	for _, c := range []struct {
		name     string
		capacity int
		stream   string
		n        int
		want     []Entry
	}{
		{"nothing", 3, "", 3, []Entry{}},
		{"one", 3, "a", 3, []Entry{{"a", 1, 0}}},
		{"exact while they fit", 3, "a b a c a b", 3, []Entry{{"a", 3, 0}, {"b", 2, 0}, {"c", 1, 0}}},
		{"equal ones by key", 3, "c b a", 3, []Entry{{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}}},
		{"the first of equal ones", 3, "c b a", 2, []Entry{{"a", 1, 0}, {"b", 1, 0}}},
		{"fewer than there are", 3, "a b a c a b", 1, []Entry{{"a", 3, 0}}},
		{"none", 3, "a b", 0, []Entry{}},
		{"fewer than none", 3, "a b", -1, []Entry{}},
		{"the oldest of the least goes", 2, "a b c", 2, []Entry{{"c", 2, 1}, {"b", 1, 0}}},
		{"the heavy one stays", 2, "a a a b c d", 2, []Entry{{"a", 3, 0}, {"d", 3, 2}}},
		{"one that comes back", 2, "a b c a", 2, []Entry{{"a", 2, 1}, {"c", 2, 1}}},
		{"error stays when counted on", 2, "a b c c c", 2, []Entry{{"c", 4, 1}, {"b", 1, 0}}},
		{"a capacity of one", 1, "a b a", 1, []Entry{{"a", 3, 2}}},
		{"weights", 3, "a*5 b*7 a*3", 3, []Entry{{"a", 8, 0}, {"b", 7, 0}}},
		{"a weight that passes several", 4, "a b*2 c*3 d*4 a*3", 4, []Entry{{"a", 4, 0}, {"d", 4, 0}, {"c", 3, 0}, {"b", 2, 0}}},
		{"a weight that passes all", 3, "a b*2 c*3 a*9", 3, []Entry{{"a", 10, 0}, {"c", 3, 0}, {"b", 2, 0}}},
		{"a weight of nothing", 3, "a*0 b", 3, []Entry{{"b", 1, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := counted(t, c.capacity, c.stream)
			assert.Equal(t, c.want, got.Top(c.n))
			check(t, got)
		})
	}
}

func TestTotalAndEvicted(t *testing.T) {
	c := counted(t, 2, "a b*4 a c*7 d a*0")
	assert.EqualValues(t, 14, c.Total())
	assert.EqualValues(t, 2, c.Evicted())
}

func TestDefaultCapacity(t *testing.T) {
	for _, capacity := range []int{0, -5} {
		c := New(capacity)
		for i := range 1000 {
			c.Add(fmt.Append(nil, i), 1)
		}
		assert.Len(t, c.Top(1000), DefaultCapacity)
	}
}

func TestTotalEndsAtTheLargest(t *testing.T) {
	c := New(2)
	c.Add([]byte("a"), math.MaxUint64-2)
	c.Add([]byte("b"), 1)
	c.Add([]byte("c"), math.MaxUint64)
	c.Add([]byte("d"), 1)
	assert.EqualValues(t, uint64(math.MaxUint64), c.Total())
	assert.Equal(t, []Entry{{"a", math.MaxUint64 - 2, 0}, {"c", 2, 1}}, c.Top(2))
	check(t, c)
}

func TestCountedKeysNeedNoMemory(t *testing.T) {
	for _, key := range []string{"b", "b\xff", strings.Repeat("b", 4096)} {
		c := counted(t, 4, "a*1 c*100 d*1000")
		b := []byte(key)
		c.Add(b, 1)
		assert.Zero(t, testing.AllocsPerRun(2000, func() { c.Add(b, 1) }), key)
	}
}
