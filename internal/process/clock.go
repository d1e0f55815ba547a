package process

import "time"

// A clock turns times since boot into those of the day.
type clock struct {
	boot time.Time
	// When boot was last held against the host's clocks: by the clock on the
	// wall, and by the one that none can set.
	wall, steady time.Time
}

func newClock() clock {
	now := time.Now()
	return clock{boot: bootTime(now), wall: now.Round(0), steady: now}
}

// at keeps the answer for a process the same, unless the host's clock is put
// right by more than a second.
func (c *clock) at(ns uint64, now time.Time) time.Time {
	// The two part when the host slept or its clock was set.
	if (now.Round(0).Sub(c.wall) - now.Sub(c.steady)).Abs() > time.Second {
		c.wall, c.steady = now.Round(0), now
		if b := bootTime(now); b.Sub(c.boot).Abs() > time.Second {
			c.boot = b
		}
	}
	return c.boot.Add(time.Duration(ns))
}
