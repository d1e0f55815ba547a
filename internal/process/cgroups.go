package process

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// maxCgroups is how many cgroups are remembered.
const maxCgroups = 4096

// A cgroupKey is unique: ids are per hierarchy, and never given again.
type cgroupKey struct {
	id        uint64
	hierarchy uint32
}

// cgroups holds the paths of the cgroups seen last.
type cgroups struct {
	lru    *simplelru.LRU[cgroupKey, *cgroup]
	absent *simplelru.LRU[cgroupKey, time.Time] // those looked for in vain, and when
	proc   *proc
	mounts mounts
	stats  *counters
}

func newCgroups(root string, proc *proc, stats *counters) *cgroups {
	return &cgroups{
		lru:    newLRU[cgroupKey, *cgroup](maxCgroups, nil),
		absent: newLRU[cgroupKey, time.Time](maxCgroups, nil),
		proc:   proc,
		mounts: findMounts(root),
		stats:  stats,
	}
}

func (c *cgroups) add(key cgroupKey, g *cgroup) {
	if c.lru.Add(key, g) {
		c.stats.cgroupEvictions.Add(1)
	}
	c.stats.cgroups.Store(uint64(c.lru.Len()))
}

// find returns nil if the cgroup of a process is not known.
func (c *cgroups) find(a *event.Actor, now time.Time) *cgroup {
	key := cgroupKey{a.Cgroup, a.Hierarchy}
	if g, ok := c.lru.Get(key); ok || key.id == 0 {
		return g
	}
	if at, ok := c.absent.Get(key); ok && now.Sub(at) < askAgain {
		return nil
	}
	if !c.proc.allows(now) {
		c.stats.lookupsRefused.Add(1)
		return nil
	}
	if path, ok := c.look(key, identityOf(a)); ok {
		g := newCgroup(path)
		c.add(key, g)
		return g
	}
	c.absent.Add(key, now)
	return nil
}

// look asks the kernel for the path of a cgroup: by its id, or by a process in it.
func (c *cgroups) look(key cgroupKey, who identity) (string, bool) {
	if key.hierarchy == 0 {
		if path, ok := c.mounts.byHandle(key.id); ok {
			return path, true
		}
	}
	dir := c.proc.open(who)
	if dir == nil {
		return "", false
	}
	defer func() { _ = dir.Close() }()
	path, ok := pathIn(string(readFile(dir, "cgroup", maxRead)), key.hierarchy)
	if !ok || !c.mounts.believable(key, path) {
		return "", false
	}
	return path, true
}

// pathIn finds a hierarchy's line in /proc/PID/cgroup: "4:memory:/path".
func pathIn(lines string, hierarchy uint32) (string, bool) {
	want := strconv.FormatUint(uint64(hierarchy), 10)
	for line := range strings.Lines(lines) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		_, path, ok := strings.Cut(rest, ":")
		if ok && id == want {
			return strings.TrimSuffix(path, " (deleted)"), true
		}
	}
	return "", false
}

func (c *cgroups) close() { c.mounts.close() }
