//go:build !linux

package check

import "os"

func openRoot(parent *os.Root, name string) (*os.Root, error) {
	info, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := checkDir(name, info); err != nil {
		return nil, err
	}
	return parent.OpenRoot(name)
}
