//go:build linux && host

package sensor

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHostIptables makes rules with the older iptables in a network of its own.
func TestHostIptables(t *testing.T) {
	done := make(chan struct{})
	go func() { // its thread ends with it, and the network too
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		for family, program := range map[string]string{"ip": "iptables-legacy", "ip6": "ip6tables-legacy"} {
			iptables(t, family, program)
		}
	}()
	<-done
}

func iptables(t *testing.T, family, program string) {
	for _, step := range []struct {
		args string
		want bool
	}{
		{"-L -n", false},
		{"-A FORWARD -j DROP", false},
		{"-N mine", false},
		{"-A mine -p tcp --dport 22 -j ACCEPT", false},
		{"-A INPUT -p tcp --dport 22 -j mine", true},
		{"-F INPUT", false},
		{"-P INPUT DROP", true},
		{"-P INPUT ACCEPT", false},
	} {
		args := append([]string{"-w"}, strings.Fields(step.args)...)
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Errorf("%s %s: %v\n%s", program, step.args, err, out)
		}
		got, err := Iptables{}.FiltersInput(family)
		if err != nil || got != step.want {
			t.Errorf("after %s %s: %v, %v, want %v", program, step.args, got, err, step.want)
		}
	}
}
