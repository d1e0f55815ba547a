package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
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
		w := watch(t, h.dir)
		w.opened(t) // to watch it
		askedOf(t, h, Normal)
		opened := w.opened(t)
		equal(t, "opens of /proc", opened["proc"], 1)
		for pid := 2; pid <= processes; pid++ {
			dir := fmt.Sprintf("proc/%d/", pid)
			equal(t, "opens of "+dir+"comm", opened[dir+"comm"], 1)
			equal(t, "opens of "+dir+"fd", opened[dir+"fd"], 1)
		}
		for name, n := range opened {
			if isOfProcess.MatchString(name) {
				equal(t, "opens of "+name, n, 1)
			}
		}
		askedOf(t, h, Slow)
		if opened := w.opened(t); opened["proc/2/comm"] > 0 {
			t.Error("checks at the slow pace need no processes")
		}
	}
}

var isOfProcess = regexp.MustCompile(`^proc/[0-9]+/(comm|fd|[0-9]+)$`)

// askedOf runs all checks of a pace and returns what they ask of the host.
func askedOf(t *testing.T, h tree, pace Pace) map[string]int {
	t.Helper()
	root := h.host().fs.(*Root)
	c := &counter{Root: root, asked: map[string]int{}}
	newRunner(All(), c, DefaultOptions(), nil, nil).runAll(t.Context(), pace)
	return c.asked
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
