package topn

import "iter"

// A slot holds a key. The slots of a bucket are a ring.
type slot struct {
	key        string
	error      uint64
	bucket     *bucket
	prev, next *slot
}

// A bucket holds the slots of one count, the oldest first. The buckets are a
// ring ordered by count, which begins and ends with Counter.zero: that has a
// slot only while Add gives it a count. No other one is empty.
type bucket struct {
	count      uint64
	first      *slot
	prev, next *bucket
}

// raise moves a slot to the bucket of its new count.
func (c *Counter) raise(s *slot, weight uint64) {
	b, count := s.bucket, s.bucket.count+weight
	b.remove(s)
	if b.first == nil && b != &c.zero {
		b = c.drop(b)
	}
	for b.next != &c.zero && b.next.count <= count {
		b = b.next
	}
	if b.count != count {
		b = c.insert(b, count)
	}
	b.append(s)
}

// insert puts an empty bucket after another.
func (c *Counter) insert(after *bucket, count uint64) *bucket {
	b := c.spare
	c.spare = b.next
	b.count, b.prev, b.next = count, after, after.next
	b.prev.next, b.next.prev = b, b
	return b
}

// drop takes an empty bucket out and returns the one before it.
func (c *Counter) drop(b *bucket) *bucket {
	before := b.prev
	b.prev.next, b.next.prev = b.next, b.prev
	c.release(b)
	return before
}

func (c *Counter) release(b *bucket) {
	b.prev, b.next = nil, c.spare
	c.spare = b
}

func (b *bucket) append(s *slot) {
	s.bucket = b
	if b.first == nil {
		b.first, s.prev, s.next = s, s, s
		return
	}
	s.prev, s.next = b.first.prev, b.first
	s.prev.next, s.next.prev = s, s
}

func (b *bucket) remove(s *slot) {
	s.prev.next, s.next.prev = s.next, s.prev
	if b.first == s {
		b.first = s.next
	}
	if s.next == s {
		b.first = nil
	}
	s.bucket, s.prev, s.next = nil, nil, nil
}

// all are the slots of a bucket, the oldest first.
func (b *bucket) all() iter.Seq[*slot] {
	return func(yield func(*slot) bool) {
		for s := b.first; s != nil && yield(s); s = s.next {
			if s.next == b.first {
				return
			}
		}
	}
}
