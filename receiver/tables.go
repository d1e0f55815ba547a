package receiver

import (
	"strconv"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A bitName is a bit, or a few that are one thing, by name.
type bitName struct {
	bits uint64
	name string
}

// flagNames adds the names of the flags that are set; what has no name is a
// number. One of several bits comes before those that it has in common.
func flagNames(set uint64, table []bitName, to []string) []string {
	for _, f := range table {
		if set&f.bits == f.bits {
			to = append(to, f.name)
			set &^= f.bits
		}
	}
	if set != 0 {
		to = append(to, "0x"+strconv.FormatUint(set, 16))
	}
	return to
}

// indexed is the name at a place; what has none is a number.
func indexed(table []string, at uint32, prefix string) string {
	if int64(at) < int64(len(table)) {
		return table[at]
	}
	return prefix + strconv.FormatUint(uint64(at), 10)
}

// name is the label of a value, of which there are n.
func name[T interface {
	~uint32
	String() string
}](v, n T,
) string {
	if v < n {
		return v.String()
	}
	return "unknown"
}

var execFlags = []bitName{
	{uint64(event.ExecMemfd), "memfd"},
	{uint64(event.ExecDeleted), "deleted"},
	{uint64(event.ExecSetuid), "setuid"},
	{uint64(event.ExecScript), "script"},
	{uint64(event.ExecNoArgs), "no_args"},
}

// namespaces are CLONE_NEW* of linux/sched.h.
var namespaces = []bitName{
	{0x00000080, "time"},
	{0x00020000, "mnt"},
	{0x02000000, "cgroup"},
	{0x04000000, "uts"},
	{0x08000000, "ipc"},
	{0x10000000, "user"},
	{0x20000000, "pid"},
	{0x40000000, "net"},
}

// allNamespaces leaves out the other flags that clone(2) and unshare(2) take.
const allNamespaces = 0x7e020080

// mountFlags are MS_* of linux/mount.h.
var mountFlags = []bitName{
	{1, "MS_RDONLY"},
	{2, "MS_NOSUID"},
	{4, "MS_NODEV"},
	{8, "MS_NOEXEC"},
	{16, "MS_SYNCHRONOUS"},
	{32, "MS_REMOUNT"},
	{64, "MS_MANDLOCK"},
	{128, "MS_DIRSYNC"},
	{256, "MS_NOSYMFOLLOW"},
	{1024, "MS_NOATIME"},
	{2048, "MS_NODIRATIME"},
	{4096, "MS_BIND"},
	{8192, "MS_MOVE"},
	{16384, "MS_REC"},
	{32768, "MS_SILENT"},
	{1 << 16, "MS_POSIXACL"},
	{1 << 17, "MS_UNBINDABLE"},
	{1 << 18, "MS_PRIVATE"},
	{1 << 19, "MS_SLAVE"},
	{1 << 20, "MS_SHARED"},
	{1 << 21, "MS_RELATIME"},
	{1 << 23, "MS_I_VERSION"},
	{1 << 24, "MS_STRICTATIME"},
	{1 << 25, "MS_LAZYTIME"},
}

// capabilities are those of linux/capability.h.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// programTypes are enum bpf_prog_type of linux/bpf.h.
var programTypes = []string{
	"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event",
	"cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device",
	"sk_msg", "raw_tracepoint", "cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport",
	"flow_dissector", "cgroup_sysctl", "raw_tracepoint_writable", "cgroup_sockopt", "tracing",
	"struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter",
}

// ptraceRequest is a PTRACE_* of linux/ptrace.h that takes hold of a process.
func ptraceRequest(request uint32) string {
	switch request {
	case 0:
		return "PTRACE_TRACEME"
	case 16:
		return "PTRACE_ATTACH"
	case 0x4206:
		return "PTRACE_SEIZE"
	}
	return strconv.FormatUint(uint64(request), 10)
}
