//go:build !linux

package check

import (
	"io/fs"
	"os"
)

// A handle is what a Dir works on.
type handle struct{ root *os.Root }

func openHandle(parent *os.Root, name string) (handle, error) {
	info, err := parent.Lstat(name)
	if err == nil {
		err = checkDir(name, info)
	}
	if err != nil {
		return handle{}, err
	}
	root, err := parent.OpenRoot(name)
	return handle{root}, err
}

func (h *handle) Close() { _ = h.root.Close() }

func (h *handle) sub(name string) (handle, error) { return openHandle(h.root, name) }

func (h *handle) list() (*os.File, error) { return h.root.Open(".") }

func (h *handle) lstat(name string) (fs.FileInfo, error) { return h.root.Lstat(name) }

func (h *handle) link(name string) (string, error) { return h.root.Readlink(name) }

func (h *handle) open(name string, _ bool) (*os.File, error) {
	return openSafely(h.root, name)
}
