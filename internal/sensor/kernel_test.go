//go:build linux && (amd64 || arm64)

package sensor

import (
	"os/exec"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func everything() Options {
	return Options{
		Process: true, Network: true, File: true, Privilege: true, Kernel: true,
		Watch:              []Watch{{"/etc/shadow", event.Critical, true, true}, {"/etc/pam.d/", event.Warning, false, true}},
		WorldWritableDirs:  []string{"/tmp", "/dev/shm", "/var/tmp"},
		SyscallTracepoints: true,
	}
}

func TestKernelHooks(t *testing.T) {
	s := Open(everything())
	defer s.Close()
	for _, h := range s.Hooks() {
		t.Logf("%-18s %-16s %v", h.Name, h.Program, h.Err)
	}
	before, err := s.Count()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := exec.Command("/bin/busybox", "true").Run(); err != nil {
			exec.Command("/usr/bin/true").Run()
		}
	}
	exec.Command("/bin/cat", "/etc/shadow").Run()
	after, err := s.Count()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%+v", before, after)
}
