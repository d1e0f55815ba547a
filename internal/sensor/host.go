//go:build linux && (amd64 || arm64)

package sensor

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxTracked bounds the memory of a table with one entry for each task: 9 MiB for the largest.
const maxTracked = 65536

// maxTasks is how many processes the host can have at once, so that a table
// of that size is never full; but at most maxTracked.
func maxTasks(root string) uint32 {
	tasks := uint32(maxTracked)
	for _, name := range []string{"pid_max", "threads-max"} {
		raw, err := os.ReadFile(hostPath(root, "proc/sys/kernel", name))
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 32); err == nil && n > 0 {
			tasks = min(tasks, uint32(n))
		}
	}
	return tasks
}

// cgroup2Root is where the root of the cgroup v2 hierarchy is mounted, "" if nowhere.
func cgroup2Root(root string) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	found := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		at := cgroup2Mount(lines.Text())
		if at == "" || !isCgroup2Root(at) {
			continue
		}
		if found == "" || strings.HasPrefix(at, hostPath(root)) {
			found = at
		}
	}
	return found
}

// isCgroup2Root tells the root of the hierarchy from other cgroups. Which of them a
// line of mountinfo calls "/" depends on the cgroup namespace; the root's inode does not.
func isCgroup2Root(dir string) bool {
	const rootInode = 1
	var s unix.Stat_t
	return unix.Stat(dir, &s) == nil && s.Ino == rootInode
}

// cgroup2Mount returns where a line of mountinfo (proc(5)) mounts cgroup2, "" if
// it is about something else. A space in the path is "\040".
func cgroup2Mount(line string) string {
	left, right, ok := strings.Cut(line, " - ")
	fields := strings.Fields(left)
	if !ok || len(fields) < 5 || !strings.HasPrefix(right, "cgroup2 ") {
		return ""
	}
	return strings.ReplaceAll(fields[4], `\040`, " ")
}
