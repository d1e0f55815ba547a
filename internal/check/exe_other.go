//go:build !linux

package check

import "os"

// OpenExe opens the program that a process runs: only Linux tells.
func (r *Root) OpenExe(int) (*os.File, error) { return nil, errNotProc }
