//go:build amd64 || arm64

package receiver

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags are O_* of fcntl.h but for the access mode. Their numbers are not
// the same on all architectures.
var openFlags = []bitName{
	{unix.O_TMPFILE, "O_TMPFILE"},
	{unix.O_SYNC, "O_SYNC"},
	{unix.O_CREAT, "O_CREAT"},
	{unix.O_EXCL, "O_EXCL"},
	{unix.O_NOCTTY, "O_NOCTTY"},
	{unix.O_TRUNC, "O_TRUNC"},
	{unix.O_APPEND, "O_APPEND"},
	{unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_DSYNC, "O_DSYNC"},
	{unix.O_ASYNC, "O_ASYNC"},
	{unix.O_DIRECT, "O_DIRECT"},
	{unix.O_DIRECTORY, "O_DIRECTORY"},
	{unix.O_NOFOLLOW, "O_NOFOLLOW"},
	{unix.O_NOATIME, "O_NOATIME"},
	{unix.O_CLOEXEC, "O_CLOEXEC"},
	{unix.O_PATH, "O_PATH"},
}

// errnoName is an error of the kernel as errno.h calls it.
func errnoName(errno uint32) string {
	if name := unix.ErrnoName(syscall.Errno(errno)); name != "" {
		return name
	}
	return strconv.FormatUint(uint64(errno), 10)
}

// signalName is a signal as signal.h calls it.
func signalName(signal uint32) string {
	const firstRealTime, lastRealTime = 34, 64 // of glibc; the first two belong to it
	if name := unix.SignalName(syscall.Signal(signal)); name != "" {
		return name
	}
	if signal >= firstRealTime && signal <= lastRealTime {
		return "SIGRTMIN+" + strconv.FormatUint(uint64(signal-firstRealTime), 10)
	}
	return strconv.FormatUint(uint64(signal), 10)
}
