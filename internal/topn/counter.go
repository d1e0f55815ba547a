// Package topn finds the keys that are counted most in bounded memory: the
// Space-Saving algorithm with its stream summary, of Metwally, Agrawal and
// El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data
// Streams", ICDT 2005.
package topn

import (
	"math"
	"slices"
	"strings"
)

// DefaultCapacity is how many keys a Counter holds unless it is told.
const DefaultCapacity = 100

// A Counter counts the keys of a stream. It holds no more keys than its capacity:
// a new one takes the place, and the count, of one that was counted least. So
//
//   - a key was counted at least Count-Error and at most Count times,
//   - no Error is more than Total divided by the capacity, and a key that was
//     counted more than that is held,
//   - the Counts add up to Total.
//
// It is not safe for concurrent use.
type Counter struct {
	capacity int
	total    uint64
	evicted  uint64
	slots    map[string]*slot
	zero     bucket  // both ends of the list of buckets
	spare    *bucket // linked by next
	buf      [MaxKey]byte
}

// An Entry is a key with the most it can have been counted, and how much of
// that may belong to other keys.
type Entry struct {
	Key          string
	Count, Error uint64
}

// New makes a Counter that holds capacity keys, DefaultCapacity if that is not positive.
func New(capacity int) *Counter {
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	c := &Counter{capacity: capacity, slots: make(map[string]*slot)}
	c.zero.next, c.zero.prev = &c.zero, &c.zero
	return c
}

// Add counts a key weight times. It keeps no reference to key and counts one
// that is too long or no UTF-8 as what MaxKey says. The time it takes does not
// depend on the capacity when weight is 1; otherwise it grows with how many
// different counts the key overtakes, which are fewer than weight and than the
// capacity. Total ends at the largest uint64 and what would exceed it is not counted.
func (c *Counter) Add(key []byte, weight uint64) {
	weight = min(weight, math.MaxUint64-c.total)
	if weight == 0 {
		return
	}
	c.total += weight
	key = clean(key, c.buf[:0])
	s := c.slots[string(key)]
	if s == nil {
		s = c.admit(string(key))
	}
	c.raise(s, weight)
}

// admit gives a new key a slot of its own or, if there are no more, that of the
// key that has been among the least counted for longest.
func (c *Counter) admit(key string) *slot {
	var s *slot
	if len(c.slots) < c.capacity {
		s = &slot{}
		c.zero.append(s)
		c.release(&bucket{}) // one for each slot, so that raise needs no memory
	} else {
		s = c.zero.next.first
		delete(c.slots, s.key)
		s.error = s.bucket.count
		c.evicted++
	}
	s.key = key
	c.slots[key] = s
	return s
}

// Top returns the n keys with the highest counts, highest first, equal ones
// ordered by key: all of them if there are fewer.
func (c *Counter) Top(n int) []Entry {
	n = max(min(n, len(c.slots)), 0)
	top := make([]Entry, 0, n)
	for b := c.zero.prev; len(top) < n; b = b.prev {
		equal := len(top)
		for s := range b.all() {
			top = append(top, Entry{Key: s.key, Count: b.count, Error: s.error})
		}
		slices.SortFunc(top[equal:], func(x, y Entry) int { return strings.Compare(x.Key, y.Key) })
	}
	return top[:n:n]
}

// Total is the sum of all weights.
func (c *Counter) Total() uint64 { return c.total }

// Evicted is how many times a key lost its place to another.
func (c *Counter) Evicted() uint64 { return c.evicted }
