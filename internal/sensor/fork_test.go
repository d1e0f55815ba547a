//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A call is a system call.
type call struct {
	nr   uintptr
	args [5]uintptr
	keep []*byte // what args point to, for the garbage collector
}

// execve is the call that runs path.
func execve(path string) call {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		panic(err)
	}
	argv := []*byte{p, nil}
	return call{unix.SYS_EXECVE, [5]uintptr{uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&argv[0]))}, argv}
}

// execFD is the call that runs what fd is open to.
func execFD(fd int) call {
	c := execve("")
	return call{unix.SYS_EXECVEAT, [5]uintptr{uintptr(fd), c.args[0], c.args[1], 0, unix.AT_EMPTY_PATH}, c.keep}
}

// fork starts a process that makes one call after the other and, if it is still there, exits.
//
//go:norace
func fork(calls ...call) (int, error) {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		become(calls)
	}
	return started(pid, errno)
}

// forkAs is fork by clone3, with the choice of the pid if it is not 0.
//
//go:norace
func forkAs(tid int32, calls ...call) (int, error) {
	args := struct {
		flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDs uint64
	}{exitSignal: uint64(unix.SIGCHLD)}
	if tid != 0 {
		args.setTID, args.setTIDs = uint64(uintptr(unsafe.Pointer(&tid))), 1
	}
	pid, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if pid == 0 && errno == 0 {
		become(calls)
	}
	runtime.KeepAlive(&tid)
	return started(pid, errno)
}

// become runs in a copy of the helper where only one thread is left. It ends with
// the error of the last call.
//
//go:norace
//go:nosplit
func become(calls []call) {
	var errno unix.Errno
	for i := range calls {
		c := &calls[i]
		_, _, errno = unix.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], 0)
	}
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
}

func started(pid uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}

// ended waits for a process and says how it ended: "exit 0", "signal: killed".
func ended(pid int) (string, error) {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return "", err
		}
		if status.Signaled() {
			return "signal: " + status.Signal().String(), nil
		}
		return fmt.Sprintf("exit %d", status.ExitStatus()), nil
	}
}

// expect starts n processes one after the other, and has each end as it should.
func expect(end string, n int, start func() (int, error)) error {
	for range n {
		pid, err := start()
		if err != nil {
			return err
		}
		how, err := ended(pid)
		if err != nil {
			return err
		}
		if how != end {
			return fmt.Errorf("ended with %s instead of %s", how, end)
		}
	}
	return nil
}

// times gives a deed that is done as often as its first argument says.
func times(do func(n int, args []string) error) deed {
	return func(args []string) (string, error) {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return "", err
		}
		return "", do(n, args[1:])
	}
}

// exec n path…: what execvp does with a PATH: try each until one runs.
var _ = can("exec", times(func(n int, paths []string) error {
	var calls []call
	for _, p := range paths {
		calls = append(calls, execve(p))
	}
	return expect("exit 0", n, func() (int, error) { return fork(calls...) })
}))

// fail n end path…: try to run what cannot be run.
var _ = can("fail", times(func(n int, args []string) error {
	var calls []call
	for _, p := range args[1:] {
		calls = append(calls, execve(p))
	}
	return expect(args[0], n, func() (int, error) { return fork(calls...) })
}))

// fork n: processes that do nothing.
var _ = can("fork", times(func(n int, _ []string) error {
	return expect("exit 0", n, func() (int, error) { return fork() })
}))

// stayed are the processes that live until the pipe is closed.
var stayed struct {
	pids []int
	pipe [2]int
}

// forkStay n: processes that stay until the deed reap.
var _ = can("forkStay", times(func(n int, _ []string) error {
	if err := unix.Pipe(stayed.pipe[:]); err != nil {
		return err
	}
	buf := []*byte{new(byte)}
	closePipe := call{nr: unix.SYS_CLOSE, args: [5]uintptr{uintptr(stayed.pipe[1])}}
	wait := call{unix.SYS_READ, [5]uintptr{uintptr(stayed.pipe[0]), uintptr(unsafe.Pointer(buf[0])), 1}, buf}
	for range n {
		pid, err := fork(closePipe, wait)
		if err != nil {
			return err
		}
		stayed.pids = append(stayed.pids, pid)
	}
	return nil
}))

var _ = can("reap", func([]string) (string, error) {
	errs := []error{unix.Close(stayed.pipe[0]), unix.Close(stayed.pipe[1])}
	for _, pid := range stayed.pids {
		_, err := ended(pid)
		errs = append(errs, err)
	}
	stayed.pids = nil
	return "", errors.Join(errs...)
})

// reuse n path: one process after the other with the same pid, of which every other one runs path.
var _ = can("reuse", times(func(n int, args []string) error {
	pid, err := forkAs(0)
	if err != nil {
		return err
	}
	if _, err := ended(pid); err != nil {
		return err
	}
	for range n {
		for _, calls := range [][]call{{execve(args[0])}, nil} {
			if err := expect("exit 0", 1, func() (int, error) { return forkAs(int32(pid), calls...) }); err != nil {
				return err
			}
		}
	}
	return nil
}))

// threads n: threads that stay.
var _ = can("threads", times(func(n int, _ []string) error {
	up := make(chan bool)
	for range n {
		go func() {
			runtime.LockOSThread()
			up <- true
			_ = unix.Pause()
		}()
	}
	for range n {
		<-up
	}
	return nil
}))

// leaderExits: the first thread ends, the others live on.
var _ = can("leaderExits", func([]string) (string, error) {
	onLeader <- func() { _, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0) }
	for {
		stat, err := readFile("/proc/self/task/" + strconv.Itoa(unix.Getpid()) + "/stat")
		if err != nil || strings.Contains(stat, ") Z ") {
			return "", err
		}
		runtime.Gosched()
	}
})
