package topn

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// check holds a Counter against what its structure promises.
func check(t *testing.T, c *Counter) {
	t.Helper()
	slots, buckets, sum := 0, 0, uint64(0)
	require.Nil(t, c.zero.first)
	require.Zero(t, c.zero.count)
	for b := c.zero.next; b != &c.zero; b = b.next {
		require.Same(t, b, b.next.prev)
		require.Greater(t, b.count, b.prev.count, "buckets are ordered")
		n := checkBucket(t, c, b)
		buckets, slots, sum = buckets+1, slots+n, sum+uint64(n)*b.count
		require.LessOrEqual(t, buckets, len(c.slots))
	}
	require.Same(t, &c.zero, c.zero.next.prev)
	require.Len(t, c.slots, slots)
	require.LessOrEqual(t, slots, c.capacity)
	require.Equal(t, c.total, sum, "counts add up")
	for b := c.spare; b != nil; b = b.next {
		require.Nil(t, b.first)
		buckets++
	}
	require.Equal(t, slots, buckets, "a bucket for each slot, none lost")
}

func checkBucket(t *testing.T, c *Counter, b *bucket) (n int) {
	t.Helper()
	require.NotNil(t, b.first, "no bucket is empty")
	for s := range b.all() {
		require.Same(t, b, s.bucket)
		require.Same(t, s, s.next.prev)
		require.Same(t, s, c.slots[s.key])
		require.Less(t, s.error, b.count)
		require.LessOrEqual(t, s.error, c.total/uint64(c.capacity))
		n++
		require.LessOrEqual(t, n, len(c.slots))
	}
	return n
}

// FuzzAdd checks a small Counter after every key; the next byte is the weight.
func FuzzAdd(f *testing.F) {
	f.Add([]byte("a\x01b\x01c\x01d\x01a\x01e\x01"), uint8(3))
	f.Add([]byte("a\x01b\x02c\x03d\x04a\xffd\x00c\x80"), uint8(4))
	f.Add([]byte("a\x01a\x01a\x01b\x02b\x01c\xf0"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, capacity uint8) {
		c, exact := New(int(capacity%16)), make(map[string]uint64)
		for ; len(stream) >= 2; stream = stream[2:] {
			key, weight := fmt.Sprint(stream[0]%32), weightOf(stream[1])
			weight = min(weight, 1<<64-1-c.total)
			exact[key] += weight
			c.Add([]byte(key), weight)
			check(t, c)
		}
		guaranteed(t, c, exact)
	})
}

// weightOf is mostly small and at times so large that totals end.
func weightOf(b byte) uint64 {
	if b >= 0xf0 {
		return 1 << (4*(b&15) + 3)
	}
	return uint64(b % 8)
}
