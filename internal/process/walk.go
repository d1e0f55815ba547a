package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// walk remembers the cgroups that are there, of the hierarchies in use, until
// there is no more room. Those near the root come first.
func (c *cgroups) walk(hierarchies map[uint32]bool) error {
	var errs []error
	for number := range hierarchies {
		dir, ok := c.mounts.dirs[number]
		if !ok || !isWhole(dir) {
			continue // a part of the hierarchy has other paths
		}
		if err := c.walkOne(number, dir); err != nil {
			errs = append(errs, fmt.Errorf("walk the cgroups: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (c *cgroups) walkOne(hierarchy uint32, top string) error {
	info, err := os.Lstat(top)
	if err != nil {
		return err
	}
	c.add(cgroupKey{inode(info), hierarchy}, newCgroup("/"))
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		err := each(filepath.Join(top, queue[0]), func(info fs.FileInfo) bool {
			if c.lru.Len() >= maxCgroups {
				return false
			}
			path := filepath.Join(queue[0], info.Name())
			c.add(cgroupKey{inode(info), hierarchy}, newCgroup(path))
			queue = append(queue, path)
			return true
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// each calls f for the directories in a directory, until f returns false.
func each(dir string, f func(fs.FileInfo) bool) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			info, err := e.Info()
			if err == nil && !f(info) {
				return nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
