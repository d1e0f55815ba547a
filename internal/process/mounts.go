package process

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mounts are where the hierarchies of cgroups are.
type mounts struct {
	dirs   map[uint32]string // by number, 0 is version 2
	handle *os.File          // of version 2, nil if it cannot be asked
	whole  bool              // /proc tells paths from the host's root cgroup
}

// initialCgroupNamespace is PROC_CGROUP_INIT_INO of linux/proc_ns.h.
const initialCgroupNamespace = "cgroup:[4026531835]"

func findMounts(root string) mounts {
	m := mounts{dirs: map[uint32]string{}}
	top := filepath.Join(root, "sys/fs/cgroup")
	for _, v2 := range []string{top, filepath.Join(top, "unified")} {
		if _, err := os.Stat(filepath.Join(v2, "cgroup.controllers")); err == nil {
			m.dirs[0] = v2
			m.handle = openCgroup2(v2)
			break
		}
	}
	m.findV1(top, filepath.Join(root, "proc"))
	m.whole = cgroupNamespace(root) == initialCgroupNamespace
	return m
}

// cgroupNamespace is that of this process, which is in the host's /proc only if
// its pid namespace is the host's.
func cgroupNamespace(root string) string {
	const self = "proc/self/ns/cgroup"
	ns, err := os.Readlink(filepath.Join(root, self))
	if err != nil {
		ns, err = os.Readlink("/" + self)
	}
	if err != nil {
		return initialCgroupNamespace // there are no others
	}
	return ns
}

// findV1 finds the directories of the version 1 hierarchies that /proc lists.
func (m *mounts) findV1(top, proc string) {
	dirs, _ := os.ReadDir(top) // without it there is nothing to find
	for line := range strings.Lines(string(readAt(proc, "self/cgroup", "1/cgroup"))) {
		number, rest, _ := strings.Cut(line, ":")
		controllers, _, _ := strings.Cut(rest, ":")
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n == 0 {
			continue
		}
		for _, d := range dirs {
			if d.IsDir() && isSame(d.Name(), controllers) {
				m.dirs[uint32(n)] = filepath.Join(top, d.Name())
			}
		}
	}
}

// isSame says whether a directory's name lists the controllers, in any order.
func isSame(dir, controllers string) bool {
	a := strings.Split(dir, ",")
	b := strings.Split(strings.TrimPrefix(controllers, "name="), ",")
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// readAt returns the first of the files that has something in it.
func readAt(dir string, names ...string) []byte {
	for _, name := range names {
		parent, err := os.OpenRoot(filepath.Join(dir, filepath.Dir(name)))
		if err != nil {
			continue
		}
		b := readFile(parent, filepath.Base(name), maxRead)
		_ = parent.Close()
		if len(b) > 0 {
			return b
		}
	}
	return nil
}

// believable says whether path is of the cgroup: its process may have moved.
func (m *mounts) believable(key cgroupKey, path string) bool {
	dir, ok := m.dirs[key.hierarchy]
	if ok && isWhole(dir) {
		info, err := os.Lstat(filepath.Join(dir, path))
		return err == nil && inode(info) == key.id
	}
	return m.whole
}

func (m *mounts) close() {
	if m.handle != nil {
		_ = m.handle.Close()
	}
}
