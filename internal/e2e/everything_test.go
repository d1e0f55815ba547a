//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// facts are what everything did, as its own pid namespace calls it.
type facts struct {
	Self, Ran, Exited, Killed, Traced int // processes
	Listener, Caller, Refused         int // TCP ports
	Sender, Receiver                  int // UDP ports
}

// The user and group that everything becomes for a while.
const nobody = 65534

// everything DIR does one of each and tells what: its own file "runs" is a
// program, "notes" none, "watched/file" is watched, and "mnt" a directory.
func everything(args []string) error {
	f, dir := &facts{Self: os.Getpid()}, args[0]
	runtime.LockOSThread()
	// What it mounts is not for the host.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	err := errors.Join(f.runPrograms(dir), f.trace(dir), f.connect(), f.sendDatagram(), changeRights(),
		prioritizeOnce(filepath.Join(dir, "mnt")), openBoth(filepath.Join(dir, "watched", "file")))
	told, _ := json.Marshal(f)
	fmt.Println(string(told))
	return err
}

// runOne PROGRAM runs a program once.
func runOne(args []string) error {
	_, _, err := runToEnd(args[0], args, nil)
	fmt.Println("exec", 1)
	return err
}

// end CODE or end SIGKILL ends in this way.
func end(args []string) error {
	if args[0] == "SIGKILL" {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	code, err := strconv.Atoi(args[0])
	if err == nil {
		os.Exit(code)
	}
	return err
}

// ranWith are the arguments of the program that everything runs.
var ranWith = []string{"runs", "--name", "two words", "ü\x01"}

// runPrograms runs one, fails to, and has two end in other ways.
func (f *facts) runPrograms(dir string) (err error) {
	program, load := filepath.Join(dir, "runs"), filepath.Join(dir, "load")
	if f.Ran, _, err = runToEnd(program, ranWith, nil); err != nil {
		return err
	}
	if _, err := syscall.ForkExec(filepath.Join(dir, "notes"), []string{"notes", "-x"}, &syscall.ProcAttr{}); !errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("run notes: %w", err)
	}
	env := []string{deed + "=end"}
	var status syscall.WaitStatus
	if f.Exited, status, err = runToEnd(load, []string{"load", "3"}, env); err != nil || status.ExitStatus() != 3 {
		return errors.Join(fmt.Errorf("ended with code %d", status.ExitStatus()), err)
	}
	if f.Killed, status, err = runToEnd(load, []string{"load", "SIGKILL"}, env); err != nil || status.Signal() != syscall.SIGKILL {
		return errors.Join(fmt.Errorf("ended with %s", status.Signal()), err)
	}
	return nil
}

func runToEnd(program string, args, env []string) (pid int, status syscall.WaitStatus, err error) {
	if pid, err = syscall.ForkExec(program, args, &syscall.ProcAttr{Env: env}); err != nil {
		return 0, 0, err
	}
	_, err = syscall.Wait4(pid, &status, 0, nil)
	return pid, status, err
}

// trace runs a program that lets itself be traced.
func (f *facts) trace(dir string) (err error) {
	attributes := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}}
	if f.Traced, err = syscall.ForkExec(filepath.Join(dir, "runs"), []string{"traced"}, attributes); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(f.Traced, &status, 0, nil); err != nil {
		return err
	}
	if err := syscall.PtraceDetach(f.Traced); err != nil {
		return err
	}
	_, err = syscall.Wait4(f.Traced, &status, 0, nil)
	return err
}

// connect connects to a port of its own, and to one that nobody listens at.
func (f *facts) connect() error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	near, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		return err
	}
	far, err := listener.Accept()
	if err != nil {
		return err
	}
	f.Listener, f.Caller = listener.Addr().(*net.TCPAddr).Port, near.LocalAddr().(*net.TCPAddr).Port
	if err := errors.Join(near.Close(), far.Close()); err != nil {
		return err
	}
	refused, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.Refused = refused.Addr().(*net.TCPAddr).Port
	if err := errors.Join(listener.Close(), refused.Close()); err != nil {
		return err
	}
	if _, err := net.Dial("tcp4", refused.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("connect to nobody: %w", err)
	}
	return nil
}

func (f *facts) sendDatagram() error {
	receiver, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sender, err := net.Dial("udp4", receiver.LocalAddr().String())
	if err != nil {
		return err
	}
	f.Sender, f.Receiver = sender.LocalAddr().(*net.UDPAddr).Port, receiver.LocalAddr().(*net.UDPAddr).Port
	_, err = sender.Write([]byte("hello"))
	return errors.Join(err, sender.Close(), receiver.Close())
}

// changeRights becomes another group, and root's again.
func changeRights() error {
	const same = ^uintptr(0)
	for _, group := range []uintptr{nobody, 0} {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, same, group, same); errno != 0 {
			return fmt.Errorf("become group %d: %w", group, errno)
		}
	}
	return nil
}

// openBoth opens a file to read, and to write.
func openBoth(path string) error {
	for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY | unix.O_APPEND} {
		fd, err := unix.Open(path, mode|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}
