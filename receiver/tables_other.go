//go:build !linux || !(amd64 || arm64)

package receiver

import "strconv"

// There are no events but on Linux.
var openFlags []bitName

const largeFile = 0

func errnoName(errno uint32) string { return strconv.FormatUint(uint64(errno), 10) }

func signalName(signal uint32) string { return strconv.FormatUint(uint64(signal), 10) }
