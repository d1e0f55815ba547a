package process

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileidKernfs is FILEID_KERNFS of linux/exportfs.h: a handle that is a node's id.
const fileidKernfs = 0xfe

// inode is also the id of the cgroup that a directory of cgroupfs is.
func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// isWhole says whether paths below dir are from the root of its hierarchy: a
// cgroup namespace shows a part only. The root of every kernfs has the inode 1.
func isWhole(dir string) bool {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return false
	}
	if s.Type != unix.CGROUP2_SUPER_MAGIC && s.Type != unix.CGROUP_SUPER_MAGIC {
		return true // a test's
	}
	info, err := os.Lstat(dir)
	return err == nil && inode(info) == 1
}

// openCgroup2 returns what byHandle needs, nil if it is not to be had.
func openCgroup2(dir string) *os.File {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Type != unix.CGROUP2_SUPER_MAGIC || !isWhole(dir) {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	return f
}

// byHandle asks the kernel for the path of a cgroup of version 2. That needs
// CAP_DAC_READ_SEARCH.
func (m *mounts) byHandle(id uint64) (string, bool) {
	if m.handle == nil {
		return "", false
	}
	top := int(m.handle.Fd())
	handle := unix.NewFileHandle(fileidKernfs, binary.NativeEndian.AppendUint64(nil, id))
	fd, err := unix.OpenByHandleAt(top, handle, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return "", false
	}
	defer func() { _ = unix.Close(fd) }()
	return below(nameOfFD(top), nameOfFD(fd))
}

// below returns the path of name from top, both of which are known if not empty.
func below(top, name string) (string, bool) {
	if top == "" || name == top {
		return "/", top != ""
	}
	path, ok := strings.CutPrefix(name, top)
	return path, ok && path[0] == '/'
}

// nameOfFD is empty if this process's own /proc cannot tell.
func nameOfFD(fd int) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return ""
	}
	return name
}
