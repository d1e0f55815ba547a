//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callNumbers are the calls that tests make by name.
var callNumbers = map[string]uintptr{
	"setuid": unix.SYS_SETUID, "setreuid": unix.SYS_SETREUID, "setresuid": unix.SYS_SETRESUID, "setfsuid": unix.SYS_SETFSUID,
	"setgid": unix.SYS_SETGID, "setregid": unix.SYS_SETREGID, "setresgid": unix.SYS_SETRESGID, "setfsgid": unix.SYS_SETFSGID,
	"setgroups": unix.SYS_SETGROUPS, "prctl": unix.SYS_PRCTL, "unshare": unix.SYS_UNSHARE, "capset": unix.SYS_CAPSET,
	"ptrace": unix.SYS_PTRACE, "setns": unix.SYS_SETNS,
}

// parseCall understands "setresuid -1 1000 -1" and, with effective and permitted
// capabilities in hexadecimal, "capset 80 ff".
func parseCall(text string) (call, error) {
	name, rest, _ := strings.Cut(text, " ")
	c := call{nr: callNumbers[name]}
	if name == "capset" {
		return capset(c, rest)
	}
	for i, arg := range strings.Fields(rest) {
		n, err := strconv.ParseInt(arg, 0, 64)
		if err != nil {
			return c, err
		}
		c.args[i] = uintptr(n)
	}
	return c, nil
}

func capset(c call, sets string) (call, error) {
	var effective, permitted uint64
	if _, err := fmt.Sscanf(sets, "%x %x", &effective, &permitted); err != nil {
		return c, err
	}
	arg := &struct { // struct __user_cap_header_struct and two of __user_cap_data_struct
		version uint32
		pid     int32
		data    [2]struct{ effective, permitted, inheritable uint32 }
	}{version: unix.LINUX_CAPABILITY_VERSION_3}
	for i := range arg.data {
		arg.data[i].effective, arg.data[i].permitted = uint32(effective>>(32*i)), uint32(permitted>>(32*i))
	}
	c.keep = []*byte{(*byte)(unsafe.Pointer(arg))}
	c.args = [5]uintptr{uintptr(unsafe.Pointer(arg)), uintptr(unsafe.Pointer(&arg.data))}
	return c, nil
}

// calls text…: makes the calls on this thread alone, and has each end as it should:
// "setuid 0 = EPERM" fails so, one without "=" succeeds.
var _ = can("calls", func(texts []string) (string, error) {
	for _, text := range texts {
		text, want, _ := strings.Cut(text, " = ")
		c, err := parseCall(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", text, err)
		}
		_, _, errno := unix.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], 0)
		if is := unix.ErrnoName(errno); is != want {
			return "", fmt.Errorf("%s: %q instead of %q", text, is, want)
		}
	}
	return "", nil
})

// forkCalls n end text…: the same in processes of their own, as to the last call.
var _ = can("forkCalls", times(func(n int, args []string) error {
	var calls []call
	for _, text := range args[1:] {
		c, err := parseCall(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		calls = append(calls, c)
	}
	return expect(args[0], n, func() (int, error) { return fork(calls...) })
}))

// run end path arg…: as a shell would, with the rights of this thread.
var _ = can("run", func(args []string) (string, error) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	fd := null.Fd()
	return "", expect(args[0], 1, func() (int, error) {
		return syscall.ForkExec(args[1], args[1:], &syscall.ProcAttr{Files: []uintptr{fd, fd, fd}, Env: os.Environ()})
	})
})
