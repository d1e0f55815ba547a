package process

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

const (
	v2    = "0::/\n"
	mixed = "9:name=systemd:/\n4:cpu,cpuacct:/\n3:memory:/\n0::/\n"
)

func (h host) cgroup(path string) uint64 {
	h.t.Helper()
	path = filepath.Join(h.root, "sys/fs/cgroup", path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return inode(info)
}

func nobody(func(*event.Actor)) error { return nil }

func inCgroup(id uint64, hierarchy uint32) *event.Actor {
	a := actor(100, 50, 0)
	a.Cgroup, a.Hierarchy = id, hierarchy
	return a
}

func TestCgroupIsRemembered(t *testing.T) {
	table := newHost(t).table(Options{})
	table.Cgroup(event.Cgroup{ID: 5, Path: "/kubepods/pod" + uid + "/" + id1})
	table.Cgroup(event.Cgroup{ID: 5, Hierarchy: 3, Path: "docker/\xff"})
	p := table.Describe(inCgroup(5, 0))
	check(t, "path", p.Cgroup, "/kubepods/pod"+uid+"/"+id1)
	check(t, "container", p.ContainerID, id1)
	check(t, "pod", p.PodUID, uid)
	p = table.Describe(inCgroup(5, 3))
	check(t, "path in the other hierarchy", p.Cgroup, "/docker/\uFFFD")
	check(t, "container in the other hierarchy", p.ContainerID, "")
	check(t, "unknown path", table.Describe(inCgroup(6, 0)).Cgroup, "")
}

func TestCgroupsThatAreThere(t *testing.T) {
	for _, test := range []struct {
		name, lines, dir string
		hierarchy        uint32
	}{
		{"version 2", v2, "", 0},
		{"hybrid, version 2", mixed, "unified", 0},
		{"version 1", mixed, "memory", 3},
		{"version 1, controllers in another order", mixed, "cpuacct,cpu", 4},
		{"version 1, with a name", mixed, "systemd", 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			h.write("proc/self/cgroup", test.lines)
			root := h.cgroup(test.dir)
			id := h.cgroup(test.dir + "/system.slice/docker-" + id1 + ".scope")
			if test.hierarchy == 0 {
				h.write("sys/fs/cgroup/"+test.dir+"/cgroup.controllers", "")
			}
			h.link("sys/fs/cgroup/alias", "/nowhere")
			table := h.table(Options{})
			err := table.Start(func(f func(*event.Actor)) error {
				f(inCgroup(1<<60, test.hierarchy))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			p := table.Describe(inCgroup(id, test.hierarchy))
			check(t, "path", p.Cgroup, "/system.slice/docker-"+id1+".scope")
			check(t, "container", p.ContainerID, id1)
			check(t, "path of the root", table.Describe(inCgroup(root, test.hierarchy)).Cgroup, "/")
		})
	}
}

func TestWalkStopsWhenThereIsNoMoreRoom(t *testing.T) {
	h := newHost(t)
	for i := range maxCgroups + 50 {
		h.cgroup(fmt.Sprint(i))
	}
	h.write("sys/fs/cgroup/cgroup.controllers", "")
	table := h.table(Options{})
	if err := table.Start(nobody); err != nil {
		t.Fatal(err)
	}
	check(t, "cgroups", table.Stats().Cgroups, maxCgroups)
	check(t, "evictions", table.Stats().CgroupEvictions, 0)
	for i := range uint64(10) {
		table.Cgroup(event.Cgroup{ID: 1<<60 + i, Path: "/x"})
	}
	check(t, "cgroups", table.Stats().Cgroups, maxCgroups)
	check(t, "evictions", table.Stats().CgroupEvictions, 10)
}

func TestCgroupIsAskedOfItsProcess(t *testing.T) {
	const lines = "9:name=systemd:/a\n3:memory:/docker/" + id1 + "\n0::/b:c\n"
	for _, test := range []struct {
		name      string
		hierarchy uint32
		ticks     uint64
		path      string
	}{
		{"version 2", 0, 50, "/b:c"},
		{"version 1", 3, 50, "/docker/" + id1},
		{"no such hierarchy", 4, 50, ""},
		{"of another process", 0, 52, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			h.process(100, "x", test.ticks, "/bin/x", "x")
			h.write("proc/100/cgroup", lines)
			check(t, "path", h.table(Options{}).Describe(inCgroup(5, test.hierarchy)).Cgroup, test.path)
		})
	}
}

func TestProcessThatMovedToAnotherCgroup(t *testing.T) {
	h := newHost(t)
	h.process(100, "x", 50, "/bin/x", "x")
	h.write("proc/100/cgroup", "0::/now\n")
	h.write("sys/fs/cgroup/cgroup.controllers", "")
	before, now := h.cgroup("before"), h.cgroup("now")
	table := h.table(Options{})
	check(t, "path before", table.Describe(inCgroup(before, 0)).Cgroup, "")
	check(t, "path now", table.Describe(inCgroup(now, 0)).Cgroup, "/now")
}

func TestPathsOfAnotherCgroupNamespaceAreNotBelieved(t *testing.T) {
	h := newHost(t)
	h.process(100, "x", 50, "/bin/x", "x")
	h.write("proc/100/cgroup", "0::/../x\n")
	h.link("proc/self/ns/cgroup", "cgroup:[4026532000]")
	check(t, "path", h.table(Options{}).Describe(inCgroup(5, 0)).Cgroup, "")
}

func TestUnknownCgroupIsNotAskedForAgainAtOnce(t *testing.T) {
	h := newHost(t)
	synctest.Test(t, func(t *testing.T) {
		table := New(Options{Root: h.root})
		defer func() { _ = table.Close() }()
		check(t, "path", table.Describe(inCgroup(5, 0)).Cgroup, "")
		h.process(100, "x", 50, "/bin/x", "x")
		h.write("proc/100/cgroup", "0::/x\n")
		check(t, "path at once", table.Describe(inCgroup(5, 0)).Cgroup, "")
		time.Sleep(askAgain)
		check(t, "path later", table.Describe(inCgroup(5, 0)).Cgroup, "/x")
	})
}

func TestStartTellsWhatItCouldNotDo(t *testing.T) {
	table := newHost(t).table(Options{})
	if err := table.Start(func(func(*event.Actor)) error { return fs.ErrPermission }); err == nil {
		t.Error("no error")
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct {
		top, name, path string
		ok              bool
	}{
		{"/sys/fs/cgroup", "/sys/fs/cgroup/a/b", "/a/b", true},
		{"/sys/fs/cgroup", "/sys/fs/cgroup", "/", true},
		{"/sys/fs/cgroup", "/sys/fs/cgroupx", "x", false},
		{"/sys/fs/cgroup", "(unreachable)/a", "(unreachable)/a", false},
		{"/sys/fs/cgroup", "", "", false},
		{"", "", "/", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, ok := below(test.top, test.name)
			check(t, "ok", ok, test.ok)
			check(t, "path", path, test.path)
		})
	}
}
