// Package cure says what may help where the kernel refuses a program.
package cure

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// Line is an error as text of one line; nil is an unknown one.
func Line(err error) string {
	if err == nil {
		return "unknown"
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// A Host is what decides whether a cure can help.
type Host struct {
	Lacks   []string // capabilities that the sensor needs
	tracefs bool     // is mounted
}

// Look looks at the host that this process runs on.
func Look() Host {
	status, _ := os.ReadFile("/proc/self/status")
	_, err := os.Stat("/sys/kernel/tracing/events")
	if err != nil && !errors.Is(err, os.ErrPermission) {
		_, err = os.Stat("/sys/kernel/debug/tracing/events")
	}
	return Host{Lacks: Lacking(string(status)), tracefs: err == nil || errors.Is(err, os.ErrPermission)}
}

// needed are the capabilities of the sensor, each with the bits of a capability
// set of which any grants it (capabilities(7)). Before Linux 5.8
// CAP_SYS_ADMIN was all that loading programs needed, and still is.
var needed = []struct {
	name string
	bits uint64
}{
	{"CAP_BPF", 1<<39 | 1<<21},
	{"CAP_PERFMON", 1<<38 | 1<<21},
	{"CAP_NET_ADMIN", 1 << 12},
	{"CAP_SYS_PTRACE", 1 << 19},
	{"CAP_DAC_READ_SEARCH", 1<<2 | 1<<1}, // or CAP_DAC_OVERRIDE
}

// Lacking are the capabilities that the sensor needs and a /proc/PID/status does not show.
func Lacking(status string) (names []string) {
	_, after, _ := strings.Cut(status, "\nCapEff:")
	digits, _, _ := strings.Cut(after, "\n")
	set, _ := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
	for _, c := range needed {
		if set&c.bits == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// For says what may help against err on this host. A hook has several
// programs, each of which may have failed for another reason, so there may be
// several cures.
func (h Host) For(err error) string {
	text := strings.ToLower(Line(err))
	var cures []string
	add := func(applies bool, cure string) {
		if applies {
			cures = append(cures, cure)
		}
	}
	mentions := func(words string) bool { return strings.Contains(text, words) }
	refused := errors.Is(err, os.ErrPermission) || mentions("not permitted") || mentions("permission denied")
	add(mentions("needs linux"), "run the collector on Linux, amd64 or arm64")
	add(refused && h.Lacks != nil, "run as root, or grant "+strings.Join(h.Lacks, ", "))
	add(mentions("tracefs") && !h.tracefs, "mount tracefs: mount -t tracefs tracefs /sys/kernel/tracing")
	add(mentions("vmlinux") || mentions("type information"),
		"use a kernel built with CONFIG_DEBUG_INFO_BTF, or set btf_path to a file with the kernel's types")
	add(mentions("syscall_tracepoints"), "set syscall_tracepoints: auto")
	add(mentions("no cgroup"), "mount the cgroup2 file system, or mount it into the container")
	add(mentions("pid namespace"), "run in the host's pid namespace: hostPID: true in Kubernetes, --pid=host in Docker")
	add(mentions("memlock"), "raise the limit of locked memory: ulimit -l unlimited")
	if cures == nil {
		return "none known: this kernel lacks or refuses what the programs need"
	}
	return strings.Join(cures, "; ")
}
