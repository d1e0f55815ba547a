package check

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// crowdedTree has processes with sockets each that listen, and services.
func crowdedTree(t testing.TB, processes, sockets, services int) tree {
	files := map[string]string{"proc/1/net/udp": netHeader, "usr/bin/server": "", "run/auditd.pid": "1\n"}
	table := netHeader
	for pid := 1; pid <= processes; pid++ {
		dir := fmt.Sprintf("proc/%d/", pid)
		files[dir+"comm"], files[dir+"exe"] = "server\n", "-> /usr/bin/server"
		for fd := range sockets {
			n := pid*sockets + fd
			files[fmt.Sprintf("%sfd/%d", dir, fd)] = fmt.Sprintf("-> socket:[%d]", n)
			table += kernelLine(fmt.Sprintf("127.0.0.1:%d", n), "0A", n)
		}
	}
	files["proc/1/net/tcp"] = table
	files["sys/fs/cgroup/system.slice/"] = ""
	for n := range services {
		name := fmt.Sprintf("s%d.service", n)
		files["usr/lib/systemd/system/"+name] = "[Service]\nExecStart=/usr/bin/server\n"
		files["sys/fs/cgroup/system.slice/"+name+"/cgroup.events"] = "populated 1\n"
	}
	return newTree(t, files)
}

// A counter counts what is asked of a file system, by path.
type counter struct {
	*Root
	mu    sync.Mutex
	asked map[string]int
}

func (c *counter) count(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[name]++
}

func (c *counter) Open(name string) (fs.File, error) {
	c.count(name)
	return c.Root.Open(name)
}

func (c *counter) OpenDir(name string) (*Dir, error) {
	c.count(name)
	return c.Root.OpenDir(name)
}

func (c *counter) Stat(name string) (fs.FileInfo, error) {
	c.count(name)
	return c.Root.Stat(name)
}

func (c *counter) Lstat(name string) (fs.FileInfo, error) {
	c.count(name)
	return c.Root.Lstat(name)
}

func (c *counter) ReadLink(name string) (string, error) {
	c.count(name)
	return c.Root.ReadLink(name)
}

// A run reads /proc once, whatever listens and runs: what it opens there is
// what the kernel says is opened.
func TestProcIsReadOnce(t *testing.T) {
	const processes = 20
	few := crowdedTree(t, processes, 2, 3)
	asked := askedOf(t, few, Normal)
	equal(t, "how often /proc is listed", asked["proc"], 1)
	for name := range asked {
		if strings.HasPrefix(name, "proc/") && !strings.HasPrefix(name, "proc/1/") && !strings.HasPrefix(name, "proc/sys") && name != "proc/modules" &&
			name != "proc/filesystems" {
			t.Errorf("%s is asked of %d times", name, asked[name])
		}
	}
	more := askedOf(t, crowdedTree(t, processes, 50, 3), Normal)
	equal(t, "what is asked with more sockets", fmt.Sprint(more), fmt.Sprint(asked))
	for _, h := range []tree{few, crowdedTree(t, processes, 50, 3), crowdedTree(t, processes, 2, 100)} {
		opened := openedIn(t, h, processes, func() { askedOf(t, h, Normal) })
		equal(t, "opens of /proc", opened["proc"], 1)
		for pid := 2; pid <= processes; pid++ {
			dir := fmt.Sprintf("proc/%d/", pid)
			equal(t, "opens of "+dir+"comm", opened[dir+"comm"], 1)
			equal(t, "opens of "+dir+"fd", opened[dir+"fd"], 1)
		}
		equal(t, "all opens of processes but the first", len(opened)-1-countOf(opened, "proc/1/"), 2*(processes-1))
		if slow := openedIn(t, h, processes, func() { askedOf(t, h, Slow) }); slow["proc/2/comm"] > 0 {
			t.Error("checks at the slow pace need no processes")
		}
	}
}

func countOf(opened map[string]int, prefix string) int {
	n := 0
	for name := range opened {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

// askedOf runs all checks of a pace and returns what they ask of the host.
func askedOf(t *testing.T, h tree, pace Pace) map[string]int {
	t.Helper()
	root := h.host().fs.(*Root)
	c := &counter{Root: root, asked: map[string]int{}}
	newRunner(All(), c, DefaultOptions(), nil, nil).runAll(t.Context(), pace)
	return c.asked
}

// openedIn returns how often the kernel saw which names of /proc and its
// processes being opened, not counting descriptors that only name something.
func openedIn(t *testing.T, h tree, processes int, run func()) map[string]int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	dirs := map[int32]string{}
	watch := func(dir string) {
		// With the closing in between no two openings are told as one.
		wd, err := unix.InotifyAddWatch(fd, filepath.Join(h.dir, dir), unix.IN_OPEN|unix.IN_CLOSE_NOWRITE)
		if err != nil {
			t.Fatal(err)
		}
		dirs[int32(wd)] = dir
	}
	watch("proc")
	for pid := 1; pid <= processes; pid++ {
		watch(fmt.Sprintf("proc/%d", pid))
	}
	run()
	opened := map[string]int{}
	b := make([]byte, 1<<20)
	for {
		n, err := unix.Read(fd, b)
		if err != nil || n == 0 {
			return opened
		}
		for at := 0; at < n; { // struct inotify_event: descriptor, mask, cookie, length, name
			wd, mask := int32(binary.NativeEndian.Uint32(b[at:])), binary.NativeEndian.Uint32(b[at+4:])
			size := int(binary.NativeEndian.Uint32(b[at+12:]))
			name := strings.TrimRight(string(b[at+16:at+16+size]), "\x00")
			at += 16 + size
			if mask&unix.IN_Q_OVERFLOW != 0 {
				t.Fatal("more was opened than could be counted")
			}
			if mask&unix.IN_OPEN != 0 {
				opened[filepath.Join(dirs[wd], name)]++
			}
		}
	}
}

// What a process and an open file cost in memory is known.
func TestProcessesAllocations(t *testing.T) {
	allocations := func(processes, sockets int) float64 {
		h := crowdedTree(t, processes, sockets, 0).host()
		return testing.AllocsPerRun(5, func() {
			if _, err := h.readProcesses(); err != nil {
				t.Error(err)
			}
		})
	}
	none := allocations(10, 0)
	perProcess := (allocations(110, 0) - none) / 100
	perSocket := (allocations(10, 100) - none) / 1000
	if perProcess > 30 || perSocket > 4 {
		t.Errorf("%.1f allocations for each process, %.1f for each socket", perProcess, perSocket)
	}
}
