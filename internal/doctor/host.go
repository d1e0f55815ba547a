package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
)

// A host is what decides which programs the kernel takes.
type host struct {
	Kernel   string `json:"kernel"` // release
	Arch     string `json:"arch"`
	BTF      file   `json:"btf"` // the kernel's type information
	Lockdown string `json:"lockdown"`
	Paranoid string `json:"perf_event_paranoid"`
	// Mounts are the kernel's file systems, by type, and where they are.
	Mounts       []mount      `json:"mounts"`
	Capabilities []capability `json:"capabilities"`
}

type file struct {
	Path  string `json:"path"`
	Found bool   `json:"found"`
}

type mount struct {
	Type string `json:"type"`
	At   string `json:"at"` // "" if it is not mounted
	For  string `json:"for"`
}

type capability struct {
	Name string `json:"name"`
	For  string `json:"for"`
	Held bool   `json:"held"`
	// Needed says that something is not seen without it, on any kernel.
	Needed bool `json:"needed"`
	bit    uint
}

func lookAt(o options) host {
	h := host{
		Kernel: line("/proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, BTF: file{Path: o.btf},
		Lockdown: chosen(line("/sys/kernel/security/lockdown")), Paranoid: line("/proc/sys/kernel/perf_event_paranoid"),
		Mounts: []mount{
			{Type: "tracefs", For: "for the fallbacks that are tracepoints or kprobes"},
			{Type: "cgroup2", For: "for a fallback for UDP"},
			{Type: "bpf", For: "not used"},
			{Type: "securityfs", For: "for the checks of the kernel's security modules"},
		},
		Capabilities: capabilities(line("/proc/self/status")),
	}
	if h.BTF.Path == "" {
		h.BTF.Path = "/sys/kernel/btf/vmlinux"
	}
	h.BTF.Found = exists(h.BTF.Path)
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for i := range h.Mounts {
		h.Mounts[i].At = mountedAt(string(table), h.Mounts[i].Type, o.root)
	}
	return h
}

// capabilities are those that the sensor uses, given /proc/self/status.
func capabilities(status string) []capability {
	all := []capability{
		{Name: "CAP_BPF", For: "for loading programs", Needed: true},
		{Name: "CAP_PERFMON", For: "for attaching programs", Needed: true},
		{Name: "CAP_NET_ADMIN", For: "for attaching programs to cgroups, a fallback for UDP", Needed: true},
		{Name: "CAP_SYS_PTRACE", For: "for the executables of processes that are older than the sensor", Needed: true},
		{Name: "CAP_DAC_READ_SEARCH", For: "for tracefs, and files that only root may read", Needed: true},
		{Name: "CAP_SYS_RESOURCE", For: "for the limit of locked memory, before Linux 5.11", bit: 24},
		{Name: "CAP_SYS_ADMIN", For: "for kprobes, where perf_event_paranoid is 3; all of it, before Linux 5.8", bit: 21},
	}
	lacks := cure.Lacking(status)
	_, after, _ := strings.Cut(status, "CapEff:")
	digits, _, _ := strings.Cut(after, "\n")
	effective, _ := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
	for i := range all {
		if c := &all[i]; c.Needed {
			c.Held = !slices.Contains(lacks, c.Name)
		} else {
			c.Held = effective&(1<<c.bit) != 0
		}
	}
	return all
}

// mountedAt finds a file system in a table as in proc_pid_mountinfo(5): the first one
// below root, or else the first.
func mountedAt(table, fstype, root string) string {
	first := ""
	for row := range strings.Lines(table) {
		left, right, ok := strings.Cut(row, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 || !strings.HasPrefix(right, fstype+" ") {
			continue
		}
		if strings.HasPrefix(fields[4], filepath.Join("/", root)) {
			return fields[4]
		}
		if first == "" {
			first = fields[4]
		}
	}
	return first
}

// chosen is the word in brackets of a line such as "none [integrity] confidentiality".
func chosen(words string) string {
	_, after, _ := strings.Cut(words, "[")
	word, _, _ := strings.Cut(after, "]")
	return word
}

// line is a file without the space at its end, "" if it cannot be read.
func line(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
