package process

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// maxRead is how much of a file of /proc is read, in bytes.
const maxRead = 64 << 10

// tick is how long one is in /proc/PID/stat, in ns: USER_HZ is 100 everywhere.
const tick = 10_000_000

// readImage returns what the process of a directory in /proc runs, nil if it
// is another process than s or runs nothing.
func readImage(path string, s subject) *Image {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	st, ok := readStat(dir)
	if !ok || !st.isOf(s.who) || !st.isNamed(s.comm) {
		return nil // with another name it has executed something since
	}
	exe, err := dir.Readlink("exe")
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil // it ended, or is a kernel thread
	}
	img := &Image{Type: s.typ, Session: st.session, TTY: st.tty, Interactive: st.tty != 0}
	img.setExe(exe)
	args := readFile(dir, "cmdline", maxRead)
	if exe == "" && len(args) == 0 {
		return nil // no more than its name is to be had
	}
	img.setArgs(args)
	img.ArgsTotal = uint32(len(args))
	if cwd, err := dir.Readlink("cwd"); err == nil {
		img.seenCWD = text([]byte(cwd), maxPath)
	}
	return img
}

// setExe takes the target of /proc/PID/exe.
func (img *Image) setExe(exe string) {
	exe, deleted := strings.CutSuffix(exe, " (deleted)")
	switch {
	case deleted && strings.HasPrefix(exe, "/memfd:"):
		img.Flags |= event.ExecMemfd
	case deleted:
		img.Flags |= event.ExecDeleted
	}
	img.Path = text([]byte(exe), maxPath)
	img.Name = nameOf(img.Path)
}

// A stat is what is used of /proc/PID/stat.
type stat struct {
	comm         string
	session, tty uint32
	start        uint64 // ticks since boot
}

// isOf compares the start in ticks: the kernel rounds down.
func (s stat) isOf(who identity) bool { return s.start == who.start/tick }

func readStat(dir *os.Root) (stat, bool) {
	return parseStat(readFile(dir, "stat", maxRead))
}

// parseStat reads proc_pid_stat(5). The name in it is the process's own choice.
func parseStat(b []byte) (s stat, ok bool) {
	begin, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if begin < 0 || end < begin {
		return s, false
	}
	s.comm = string(b[begin+1 : end])
	fields := bytes.Fields(b[end+1:]) // from the third, the state
	if len(fields) < 20 {
		return s, false
	}
	session, err1 := strconv.ParseUint(string(fields[6-3]), 10, 32)
	tty, err2 := strconv.ParseInt(string(fields[7-3]), 10, 64)
	start, err3 := strconv.ParseUint(string(fields[22-3]), 10, 64)
	s.session, s.tty, s.start = uint32(session), deviceOf(uint32(tty)), start
	return s, errors.Join(err1, err2, err3) == nil
}

// deviceOf makes major << 20 | minor of new_encode_dev's number.
func deviceOf(n uint32) uint32 {
	return n>>8&0xfff<<20 | n&0xff | n>>12&0xfff00
}

// commOf returns a NUL-padded name.
func commOf(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// isNamed allows for the escapes that some kernels write.
func (s stat) isNamed(comm string) bool {
	return comm == "" || s.comm == comm ||
		s.comm == strings.NewReplacer("\\", `\\`, "\n", `\n`).Replace(comm)
}

// readFile returns the beginning of a regular file, nothing of others: a FIFO
// would wait for its writer.
func readFile(dir *os.Root, name string, limit int64) []byte {
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil
	}
	return b
}
