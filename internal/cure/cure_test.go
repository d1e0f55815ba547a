package cure

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCures(t *testing.T) {
	bare := Host{}
	for text, want := range map[string]string{
		"load: operation not permitted":                              "CAP_BPF",
		"attach: not on this kernel, or tracefs is not mounted":      "mount -t tracefs",
		"read the kernel's type information (BTF): no such file":     "btf_path",
		"open_exit: not allowed by syscall_tracepoints: never":       "syscall_tracepoints: auto",
		"udp_send4: no cgroup v2 hierarchy is mounted":               "cgroup2",
		"needs the host's pid namespace (hostPID: true, --pid=host)": "hostPID",
		"needs Linux on amd64 or arm64":                              "on Linux",
		"load: invalid argument":                                     "none known",
	} {
		assert.Contains(t, bare.For(errors.New(text)), want, text)
	}
	both := bare.For(errors.Join(os.ErrPermission, errors.New("tracefs is not mounted")))
	assert.Contains(t, both, "CAP_PERFMON")
	assert.Contains(t, both, "mount tracefs")
	assert.NotContains(t, both, "cgroup2")
	assert.Contains(t, bare.For(nil), "none known")
}

func TestNoCureThatThisHostHasTaken(t *testing.T) {
	err := errors.Join(os.ErrPermission, errors.New("not on this kernel, or tracefs is not mounted"))
	assert.Contains(t, Host{tracefs: true}.For(err), "CAP_BPF")
	assert.NotContains(t, Host{tracefs: true}.For(err), "tracefs")
	assert.NotContains(t, Host{privileged: true}.For(err), "CAP_BPF")
	assert.Contains(t, Host{privileged: true, tracefs: true}.For(err), "none known")
}

func TestPrivileged(t *testing.T) {
	for capabilities, want := range map[string]bool{
		"000001ffffffffff": true,  // root
		"000000c000001000": true,  // CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN
		"0000000000201000": true,  // CAP_SYS_ADMIN, CAP_NET_ADMIN
		"000000c000000000": false, // no CAP_NET_ADMIN
		"0000008000001000": false, // no CAP_PERFMON
		"00000000a80425fb": false, // root in a container
		"0000000000000000": false,
		"nonsense":         false,
	} {
		assert.Equal(t, want, privileged("Name:\tx\nCapEff:\t"+capabilities+"\nSeccomp:\t0\n"), capabilities)
	}
	assert.False(t, privileged(""))
}

func TestAReasonIsOneLine(t *testing.T) {
	assert.Equal(t, "a; b", Line(errors.Join(errors.New("a"), errors.New("b"))))
	assert.Equal(t, "unknown", Line(nil))
}
