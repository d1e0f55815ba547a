package cure

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCures(t *testing.T) {
	bare := Host{Lacks: Lacking("")}
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
	lacks := []string{"CAP_PERFMON", "CAP_DAC_READ_SEARCH"}
	assert.Equal(t, "run as root, or grant CAP_PERFMON, CAP_DAC_READ_SEARCH", Host{Lacks: lacks, tracefs: true}.For(err))
	assert.NotContains(t, Host{}.For(err), "CAP_")
	assert.Contains(t, Host{tracefs: true}.For(err), "none known")
}

func TestWhichCapabilitiesAreMissing(t *testing.T) {
	all := []string{"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"}
	for set, want := range map[string][]string{
		"000001ffffffffff": nil, // root
		"000000c000081004": nil, // the five
		"0000000000281004": nil, // CAP_SYS_ADMIN in place of CAP_BPF and CAP_PERFMON
		"000000c000081002": nil, // CAP_DAC_OVERRIDE in place of CAP_DAC_READ_SEARCH
		"0000008000081004": {"CAP_PERFMON"},
		"000000c000080004": {"CAP_NET_ADMIN"},
		"000000c000001004": {"CAP_SYS_PTRACE"},
		"000000c000081000": {"CAP_DAC_READ_SEARCH"},
		"00000000a80425fb": {"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"}, // root in a container
		"0000000000000000": all,
		"nonsense":         all,
	} {
		assert.Equal(t, want, Lacking("Name:\tx\nCapEff:\t"+set+"\nSeccomp:\t0\n"), set)
	}
	assert.Equal(t, all, Lacking(""))
}

func TestAReasonIsOneLine(t *testing.T) {
	assert.Equal(t, "a; b", Line(errors.Join(errors.New("a"), errors.New("b"))))
	assert.Equal(t, "unknown", Line(nil))
}
