//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A confinement is what a unit, a container runtime or Kubernetes does to a
// process before it runs.
type confinement struct {
	UID, GID int
	Rights   []string // capabilities, all others are gone for good
	ReadOnly bool     // all but /dev, /proc and /sys, which are bound by rights
	Writable []string // but for these directories
	Root     string   // where the process sees its root directory; "" is the host's
	Binds    []bind   // what is mounted below it
}

// A bind shows a directory of the host elsewhere.
type bind struct {
	From, To string
	Writable bool
}

const confined = "E2E_CONFINED"

// confine has a command run so, in the process that it is started as.
func (c confinement) confine(cmd *exec.Cmd) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	how, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, deed+"=confine", confined+"="+string(how))
	cmd.Args = append([]string{self, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	return nil
}

// confine PROGRAM ARGS... becomes the program. It is in a mount namespace of its own.
func confine(args []string) error {
	runtime.LockOSThread() // rights are a thread's
	var c confinement
	if err := json.Unmarshal([]byte(os.Getenv(confined)), &c); err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, deed+"=") || strings.HasPrefix(v, confined+"=")
	})
	if err := c.mount(); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := c.restrict(); err != nil {
		return fmt.Errorf("restrict: %w", err)
	}
	return os.NewSyscallError("exec", syscall.Exec(args[0], args, env))
}

func (c confinement) mount() error {
	// As container runtimes and systemd do it: what is mounted later on the host shows here too.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return err
	}
	for _, b := range c.Binds {
		if err := b.mount(c.Root); err != nil {
			return fmt.Errorf("%s on %s: %w", b.From, b.To, err)
		}
	}
	if c.Root != "" {
		if err := errors.Join(unix.Chroot(c.Root), unix.Chdir("/")); err != nil {
			return err
		}
	}
	if !c.ReadOnly {
		return nil
	}
	return c.protect()
}

func (b bind) mount(root string) error {
	if err := unix.Mount(b.From, root+b.To, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if b.Writable {
		return nil
	}
	return readOnly(root+b.To, unix.AT_RECURSIVE, true)
}

// protect makes the whole tree read-only, as ProtectSystem=strict does.
func (c confinement) protect() error {
	for _, dir := range c.Writable {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := readOnly("/", unix.AT_RECURSIVE, true); err != nil {
		return err
	}
	for _, dir := range append([]string{"/dev", "/proc", "/sys"}, c.Writable...) {
		if err := readOnly(dir, unix.AT_RECURSIVE, false); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

func readOnly(path string, flags uint, is bool) error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if !is {
		attr = &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	}
	return unix.MountSetattr(unix.AT_FDCWD, path, flags, attr)
}

// restrict takes all rights but some, for good.
func (c confinement) restrict() error {
	var set uint64
	for _, name := range c.Rights {
		bit, ok := rights[name]
		if !ok {
			return fmt.Errorf("%s is not among %v", name, slices.Sorted(maps.Keys(rights)))
		}
		set |= 1 << bit
	}
	for bit := range 64 {
		if set>>bit&1 == 0 && unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(bit), 0, 0, 0) != nil {
			break // the kernel knows no more
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	// System calls themselves, as those of the syscall package are for all threads, of which exec leaves this one.
	for _, call := range [][4]uintptr{
		{unix.SYS_SETGROUPS, 0, 0, 0},
		{unix.SYS_SETRESGID, uintptr(c.GID), uintptr(c.GID), uintptr(c.GID)},
		{unix.SYS_SETRESUID, uintptr(c.UID), uintptr(c.UID), uintptr(c.UID)},
	} {
		if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
			return errno
		}
	}
	return c.keep(set)
}

// keep hands a set of rights on through exec, to whatever user.
func (c confinement) keep(set uint64) error {
	low, high := uint32(set), uint32(set>>32)
	data := [2]unix.CapUserData{{Effective: low, Permitted: low, Inheritable: low}, {Effective: high, Permitted: high, Inheritable: high}}
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		return err
	}
	for bit := range 64 {
		if set>>bit&1 == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(bit), 0, 0); err != nil {
			return err
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
