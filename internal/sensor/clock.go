//go:build linux && (amd64 || arm64)

package sensor

import "golang.org/x/sys/unix"

// A clock turns the kernel's time of an event (bpf_ktime_get_ns, CLOCK_MONOTONIC)
// into nanoseconds since 1970, by the host's clock as it was last set.
type clock struct{ offset int64 }

// set looks at both clocks and returns the kernel's.
func (c *clock) set() uint64 {
	now := monotonic()
	c.offset = nanoseconds(unix.CLOCK_REALTIME) - int64(now)
	return now
}

func (c *clock) wall(ns uint64) int64 { return int64(ns) + c.offset }

func monotonic() uint64 { return uint64(nanoseconds(unix.CLOCK_MONOTONIC)) }

func nanoseconds(clock int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(clock, &ts) // cannot fail for these clocks
	return ts.Nano()
}
