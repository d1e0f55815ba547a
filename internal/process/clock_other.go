//go:build !linux

package process

import "time"

func bootTime(now time.Time) time.Time { return now.Round(0) }
