//go:build linux && (amd64 || arm64)

package sensor

import "golang.org/x/sys/unix"

// A clock turns the kernel's time of an event (bpf_ktime_get_ns, CLOCK_MONOTONIC)
// into nanoseconds since 1970, by the host's clock as it was last set.
type clock struct{ offset int64 }

// A look is both clocks: the host's, between two readings of the kernel's.
type look struct{ before, wall, after int64 }

func (l look) took() int64   { return l.after - l.before }
func (l look) offset() int64 { return l.wall - l.before - l.took()/2 }

// set looks at both clocks and returns the kernel's.
func (c *clock) set() uint64 {
	best, last := closest(lookAtClocks)
	c.learn(best)
	return uint64(last.after)
}

// closest is the best of some looks: on a busy host others may run in the middle
// of one, for milliseconds.
func closest(take func() look) (best, last look) {
	const most, quick = 10, 1000
	best = take()
	last = best
	for i := 1; i < most && best.took() > quick; i++ {
		last = take()
		if last.took() < best.took() {
			best = last
		}
	}
	return best, last
}

// learn keeps the offset where the look may agree with it: times of records,
// which others sort by, do not move against one another without need.
func (c *clock) learn(l look) {
	if off := l.offset() - c.offset; off > l.took() || off < -l.took() {
		c.offset = l.offset()
	}
}

func (c *clock) wall(ns uint64) int64 { return int64(ns) + c.offset }

func lookAtClocks() look {
	return look{nanoseconds(unix.CLOCK_MONOTONIC), nanoseconds(unix.CLOCK_REALTIME), nanoseconds(unix.CLOCK_MONOTONIC)}
}

func nanoseconds(clock int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(clock, &ts) // cannot fail for these clocks
	return ts.Nano()
}
