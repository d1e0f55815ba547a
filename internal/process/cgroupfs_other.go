//go:build !linux

package process

import (
	"io/fs"
	"os"
)

func inode(fs.FileInfo) uint64 { return 0 }

func isWhole(string) bool { return false }

func openCgroup2(string) *os.File { return nil }

func (m *mounts) byHandle(uint64) (string, bool) { return "", false }
