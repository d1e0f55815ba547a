//go:build linux && (amd64 || arm64)

package sensor

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// helpersRecords reports what helpers do, but for files and networks.
var helpersRecords = reported(func() Options {
	return Options{
		Process: true, Privilege: true, Kernel: true, SyscallTracepoints: true,
		WorldWritableDirs: []string{"/tmp", "/dev/shm", "/var/tmp"},
		Cgroup:            testCgroupID(),
		Report:            allRecords(),
	}
})

func TestKernelRecordsOfExec(t *testing.T) {
	r, h, path := helpersRecords(t), startHelper(t), systemProgram(t)
	got := r.during(t, event.Exec, func() { h.do("exec", "3", path) })
	if len(got) != 3 {
		t.Fatalf("%d records instead of 3", len(got))
	}
	for _, e := range got {
		if string(e.Exec.Path) != path || e.Errno != 0 || e.Weight != 1 {
			t.Errorf("path %q, errno %d, weight %d", e.Exec.Path, e.Errno, e.Weight)
		}
		if int(e.Actor.ParentPID) != h.cmd.Process.Pid {
			t.Errorf("parent %d instead of %d", e.Actor.ParentPID, h.cmd.Process.Pid)
		}
		if args := arguments(e.Exec.Args); !slices.Equal(args, []string{path}) {
			t.Errorf("args %q", args)
		}
		if e.Actor.Image == 0 || e.Actor.ParentImage == 0 || e.Actor.Type != event.System {
			t.Errorf("actor %+v", e.Actor)
		}
		if name := string(text(e.Actor.Comm[:])); name != filepath.Base(path) {
			t.Errorf("name %q", name)
		}
		t.Logf("%+v cwd %s", e.Actor, e.Exec.CWD)
	}
	for _, c := range r.cgroups {
		if strings.Contains(c.Path, "ebpf") {
			t.Log(c)
		}
	}
	t.Log(r.cgroups)
}
