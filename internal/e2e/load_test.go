//go:build e2e

package e2e

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// deed names in the environment what the test binary is to do in place of tests.
const deed = "E2E_DEED"

func TestMain(m *testing.M) {
	do, ok := deeds[os.Getenv(deed)]
	if !ok {
		os.Exit(m.Run())
	}
	begun := time.Now()
	if err := errors.Join(join(os.Getenv(joins)), do(os.Args[1:])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(took, time.Since(begun).Milliseconds())
}

// took is what a load prints last: how long it took.
const took = "milliseconds"

// deeds are what loads consist of. Each prints what it did: lines of a class
// of events and how many of them.
var deeds = map[string]func(args []string) error{
	"open":       open,
	"openEach":   openEach,
	"run":        run,
	"runEach":    runEach,
	"runHeld":    runHeld,
	"connect":    connect,
	"prioritize": prioritize,
	"runBig":     runBig,
	"runOne":     runOne,
	"everything": everything,
	"end":        end,
	"rest":       rest,
	"confine":    confine,
}

// open FILE n [rate] opens a file n times, on two threads: at so many a second, or as fast as it can.
func open(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	rate := 0
	if len(args) > 2 {
		if rate, err = strconv.Atoi(args[2]); err != nil {
			return err
		}
	}
	begun := time.Now()
	err = twice(func() error {
		for done := range n / 2 {
			if rate > 0 && done%100 == 0 {
				due := time.Duration(done) * 2 * time.Second / time.Duration(rate)
				time.Sleep(time.Until(begun.Add(due)))
			}
			if err := openOnce(args[0]); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println("file_open", n/2*2)
	return err
}

func openOnce(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return unix.Close(fd)
}

// openEach DIR opens a file of another name each time, from 0 on, some thousand
// a second, until standard input ends.
func openEach(args []string) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = os.Stdin.Read(make([]byte, 1))
	}()
	for n := 0; ; n += pace {
		select {
		case <-ended:
			fmt.Println("file_open", n)
			return nil
		case <-time.After(10 * time.Millisecond):
		}
		for i := range pace {
			if err := openNew(filepath.Join(args[0], strconv.Itoa(n+i))); err != nil {
				return err
			}
		}
	}
}

// pace is how many files openEach opens in 10 ms at most.
const pace = 50

func openNew(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(unix.Close(fd), unix.Unlink(path))
}

// run PROGRAM n runs a program n times, on two threads.
func run(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	err = twice(func() error {
		for range n / 2 {
			pid, err := syscall.ForkExec(args[0], args[:1], &syscall.ProcAttr{})
			if err != nil {
				return err
			}
			if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println("exec", n/2*2)
	return err
}

// runEach PROGRAM from n [bytes] runs a program n times, and gives it the numbers
// from the first one on, and so many bytes.
func runEach(args []string) error {
	from, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	size := 0
	if len(args) > 3 {
		if size, err = strconv.Atoi(args[3]); err != nil {
			return err
		}
	}
	much := strings.Repeat("x", size)
	for i := range n {
		pid, err := syscall.ForkExec(args[0], []string{args[0], strconv.Itoa(from + i), much}, &syscall.ProcAttr{})
		if err != nil {
			return err
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			return err
		}
	}
	fmt.Println("exec", n)
	return nil
}

// connect n connects n times to a port of its own.
func connect(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	for range n {
		near, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return err
		}
		far, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := errors.Join(near.Close(), far.Close()); err != nil {
			return err
		}
	}
	fmt.Printf("connect %d\naccept %[1]d\nclose %d\n", n, 2*n)
	return nil
}

// prioritize DIR n does n times what is never sampled.
func prioritize(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	// What it mounts is not for the host.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for range n {
		if err := prioritizeOnce(args[0]); err != nil {
			return err
		}
	}
	fmt.Printf("privilege %d\nptrace %d\nnamespace %[2]d\nmount %d\nbpf %[2]d\n", 2*n, n, n+1)
	return nil
}

func prioritizeOnce(dir string) error {
	const same, nobody, bpfProgLoad = ^uintptr(0), 65534, 5
	for _, call := range []struct {
		name    string
		nr      uintptr
		a, b, c uintptr
		want    syscall.Errno
	}{
		{"drop rights", unix.SYS_SETRESUID, same, nobody, same, 0},
		{"gain rights", unix.SYS_SETRESUID, same, 0, same, 0},
		{"trace nobody", unix.SYS_PTRACE, unix.PTRACE_ATTACH, 999_999_999, 0, unix.ESRCH},
		{"load no program", unix.SYS_BPF, bpfProgLoad, 0, 0, unix.E2BIG},
	} {
		if _, _, errno := unix.RawSyscall(call.nr, call.a, call.b, call.c); errno != call.want {
			return fmt.Errorf("%s: %w", call.name, errno)
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return err
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	return unix.Unmount(dir, 0)
}

// twice does the same on two threads.
func twice(do func() error) error {
	var errs [2]error
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() { errs[i] = do() })
	}
	both.Wait()
	return errors.Join(errs[:]...)
}

// program is an executable that does nothing, and that no other is faster than.
func program() []byte {
	machine, code := elf.EM_X86_64, "\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05" // xor edi,edi; mov eax,60; syscall
	if runtime.GOARCH == "arm64" {
		machine, code = elf.EM_AARCH64, "\x00\x00\x80\xd2\xa8\x0b\x80\xd2\x01\x00\x00\xd4" // mov x0,#0; mov x8,#93; svc #0
	}
	const at, headers = 0x400000, 64 + 56
	size := uint64(headers + len(code))
	var file bytes.Buffer
	_ = binary.Write(&file, binary.LittleEndian, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Entry: at + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	})
	_ = binary.Write(&file, binary.LittleEndian, elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: at, Filesz: size, Memsz: size, Align: 0x1000,
	})
	file.WriteString(code)
	return file.Bytes()
}
