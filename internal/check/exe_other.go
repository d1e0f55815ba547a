//go:build !linux

package check

import (
	"io/fs"
	"os"
)

// OpenExe opens the program that a process runs: only Linux tells.
func (r *Root) OpenExe(int) (*os.File, error) { return nil, errNotProc }

// StatExe describes it.
func (r *Root) StatExe(int) (fs.FileInfo, error) { return nil, errNotProc }
