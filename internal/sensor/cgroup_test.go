//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// testCgroup is the directory of a cgroup of the first level that only helpers are in.
var testCgroup = sync.OnceValue(func() string {
	dir := filepath.Join(cgroup2Root(""), fmt.Sprintf("ebpfsecurity-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		panic(err)
	}
	atEnd = append(atEnd, func() error { return os.Remove(dir) })
	return dir
})

// inCgroup places a helper into a cgroup below the tests' own.
func inCgroup(name string) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		closeCgroup(c)
		dir, err := syscall.Open(filepath.Join(testCgroup(), name), syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != nil {
			panic(err)
		}
		c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, dir
	}
}

func closeCgroup(c *exec.Cmd) {
	if c.SysProcAttr.UseCgroupFD {
		_ = syscall.Close(c.SysProcAttr.CgroupFD)
	}
}

// testCgroupID is what Options.Cgroup must be to count only what helpers do.
func testCgroupID() uint64 {
	info, err := os.Stat(testCgroup())
	if err != nil {
		panic(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}
