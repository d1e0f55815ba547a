//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// hostSensor counts the processes of the whole host.
var hostSensor = opened(func() Options {
	return Options{Process: true, WorldWritableDirs: []string{"/tmp", "/dev/shm", "/var/tmp"}}
})

// running are the processes with an executable that /proc shows, by pid.
func running(t *testing.T) map[uint32]string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	fatal(t, err)
	found := make(map[uint32]string)
	for _, dir := range dirs {
		if exe := executableOf(dir); exe != "" {
			pid, err := strconv.ParseUint(filepath.Base(dir), 10, 32)
			fatal(t, err)
			found[uint32(pid)] = exe
		}
	}
	return found
}

// executableOf is what a process, or a thread of it if the first has ended, runs.
func executableOf(dir string) string {
	if exe, err := os.Readlink(dir + "/exe"); err == nil {
		return exe
	}
	threads, _ := filepath.Glob(dir + "/task/*/exe")
	for _, thread := range threads {
		if exe, err := os.Readlink(thread); err == nil {
			return exe
		}
	}
	return ""
}

func (c Counts) active() (n int64) {
	for _, of := range c.Active {
		n += of
	}
	return n
}

// agree fails the test unless the sensor and /proc show the same number of
// processes at a moment when none comes or goes. A process between two such
// states is in one and not yet in the other, so there may have to be another moment.
func agree(t *testing.T, s *Sensor) {
	t.Helper()
	var told map[uint32]string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		before, err := s.Count()
		fatal(t, err)
		seen := running(t)
		after, err := s.Count()
		fatal(t, err)
		before.Missed = after.Missed
		if before != after || !maps.Equal(seen, running(t)) {
			continue
		}
		if after.active() == int64(len(seen)) {
			t.Logf("%d processes", len(seen))
			return
		}
		told = seen
	}
	if told == nil {
		t.Fatal("processes came and went all the time")
	}
	s.differ(t, told)
}

// differ says which processes the sensor and /proc disagree about.
func (s *Sensor) differ(t *testing.T, seen map[uint32]string) {
	t.Helper()
	c, err := s.Count()
	fatal(t, err)
	t.Errorf("active is %d, /proc shows %d, untracked %d, missed %d", c.active(), len(seen), c.Untracked, c.Missed)
	var pid uint32
	var p bpfProcess
	for all := s.maps.Maps[bpfMapProcesses].Iterate(); all.Next(&pid, &p); {
		if _, ok := seen[pid]; !ok {
			t.Errorf("%d is counted and not in /proc", pid)
		}
		delete(seen, pid)
	}
	for pid, exe := range seen {
		t.Errorf("%d (%s) is not counted", pid, exe)
	}
}

// forker is a program that forks so many times a process that exits, and waits for
// each. A helper, with its large memory, would take ten times as long.
func forker(times uint16) []byte {
	n := uint32(times)
	code := map[string]string{
		"amd64": "\xbb" + little(n) + // mov ebx, times
			"\xb8\x39\x00\x00\x00\x0f\x05\x85\xc0\x74\x16" + // 1: fork(); test eax, eax; jz 2f
			"\xb8\x3d\x00\x00\x00\x48\x83\xcf\xff\x31\xf6\x31\xd2\x45\x31\xd2\x0f\x05" + // wait4(-1, 0, 0, 0)
			"\xff\xcb\x75\xdf" + // dec ebx; jnz 1b
			"\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05", // 2: exit(0)
		"arm64": little(0x52800013|n<<5) + // mov w19, #times
			"\x20\x02\x80\xd2\x01\x00\x80\xd2\x88\x1b\x80\xd2\x01\x00\x00\xd4" + // 1: clone(SIGCHLD, 0)
			"\x20\x01\x00\xb4" + // cbz x0, 2f
			"\x00\x00\x80\x92\x01\x00\x80\xd2\x02\x00\x80\xd2\x03\x00\x80\xd2\x88\x20\x80\xd2\x01\x00\x00\xd4" + // wait4(-1, 0, 0, 0)
			"\x73\x06\x00\x71\x81\xfe\xff\x54" + // subs w19, w19, #1; b.ne 1b
			"\x00\x00\x80\xd2\xa8\x0b\x80\xd2\x01\x00\x00\xd4", // 2: exit(0)
	}[runtime.GOARCH]
	elf := append(tinyELF[:0x78:0x78], code...)
	binary.LittleEndian.PutUint64(elf[0x60:], uint64(len(elf))) // the sizes of its only segment
	binary.LittleEndian.PutUint64(elf[0x68:], uint64(len(elf)))
	return elf
}

func little(n uint32) string {
	return string(binary.LittleEndian.AppendUint32(nil, n))
}

func TestKernelProcessActive(t *testing.T) {
	host, s := hostSensor(t), helpersSensor(t)
	agree(t, host)

	h, path := startHelper(t), below("/usr/lib", "forker")(t)
	fatal(t, os.WriteFile(path, forker(20_000), 0o755))
	want := ran(1, event.System)
	want.Exit[event.System] += 20_000
	same(t, s.counted(t, func() { h.do("exec", "1", path) }), want)
	agree(t, host)

	var more Counts
	more.Active[helperType()] = 300
	same(t, s.counted(t, func() { h.do("forkStay", "300") }), more)
	agree(t, host)
	less := came(300)
	less.Active[helperType()] = -300
	same(t, s.counted(t, func() { h.do("reap") }), less)

	h.do("threads", "50")
	agree(t, host)
	h.do("leaderExits")
	agree(t, host)
	h.end()
	agree(t, host)
}

func TestKernelProcessActiveOnABusyStart(t *testing.T) {
	needRoot(t)
	h, path := startHelper(t), below("/usr/lib", "forker")(t)
	fatal(t, os.WriteFile(path, forker(5_000), 0o755))
	done := make(chan bool)
	go func() {
		defer close(done)
		h.do("exec", "1", path)
	}()
	s := Open(Options{Process: true})
	defer s.Close()
	<-done
	agree(t, s)
}

// TestKernelProcessOlderThanTheSensor looks at processes that no program saw begin.
func TestKernelProcessOlderThanTheSensor(t *testing.T) {
	needRoot(t)
	image, err := os.ReadFile("/proc/self/exe")
	fatal(t, err)
	running := func(dir string, with ...func(*exec.Cmd)) *helper {
		path := below(dir, "older")(t)
		fatal(t, os.WriteFile(path, image, 0o755))
		return startHelper(t, append(with, func(c *exec.Cmd) { c.Path = path })...)
	}
	tmp, home := running("/tmp"), running("/home")
	home.do("leaderExits")
	container := running("/usr/lib", inNewCgroup(t, "docker-"+containerID+".scope"))
	defer container.end() // before its cgroup goes
	deleted := running("/usr/lib")
	fatal(t, os.Remove(deleted.cmd.Path))
	system := running("/usr/lib")

	s := Open(Options{Process: true, WorldWritableDirs: []string{"/tmp"}})
	defer s.Close()
	for _, c := range []struct {
		name string
		h    *helper
		want event.ProcessType
	}{
		{"in /usr", system, event.System},
		{"in /tmp", tmp, event.Suspicious},
		{"in a home directory, without its first thread", home, event.User},
		{"in a container", container, event.Container},
		{"deleted", deleted, event.Suspicious},
	} {
		var p bpfProcess
		fatal(t, s.maps.Maps[bpfMapProcesses].Lookup(uint32(c.h.cmd.Process.Pid), &p))
		if is := event.ProcessType(p.Type); is != c.want {
			t.Errorf("%s: %s instead of %s", c.name, is, c.want)
		}
	}
}

// TestKernelProcessesThatEndTogether has many tasks run through the same program
// at once, where kernels that preempt skip it for some.
func TestKernelProcessesThatEndTogether(t *testing.T) {
	s, h := helpersSensor(t), startHelper(t)
	for range 4 {
		same(t, s.counted(t, func() {
			h.do("forkStay", "300")
			h.do("reap")
		}), came(300))
	}
}
