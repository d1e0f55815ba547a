package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is when the host booted, by its clock now.
func bootTime(now time.Time) time.Time {
	var since unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
		return now.Round(0)
	}
	return now.Round(0).Add(-time.Duration(since.Nano()))
}
