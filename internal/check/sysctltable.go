package check

import (
	"slices"
	"strings"
)

// A sysctl is a parameter of the kernel and what is expected of it.
type sysctl struct {
	param, name string
	expected    string
	severity    Severity
	level       int
	cis         string
	rationale   string
}

// remedy is the first value that is expected.
func (p sysctl) remedy() string {
	value, _, _ := strings.Cut(strings.TrimPrefix(p.expected, ">="), ",")
	return value
}

// sysctlTable lists what is expected where the user says nothing.
func sysctlTable() []sysctl {
	return slices.Concat(sysctlNetwork(), sysctlKernel())
}

func sysctlNetwork() []sysctl {
	const (
		redirects = "Whoever is on the network could change routes by ICMP redirects."
		source    = "The sender of a packet would choose its way, around filters."
		sends     = "Only a router has reason to send redirects."
		forwards  = "A host that forwards packets joins networks that a firewall keeps apart."
		martians  = "An attempt to forge addresses leaves no trace."
		routers   = "Whoever is on the network could make himself the router."
		spoofed   = "Packets with a forged source address are taken for true."
	)
	return []sysctl{
		{"net.ipv4.ip_forward", "IPv4 forwarding", "0", Medium, 1, "3.3.1", forwards},
		{"net.ipv6.conf.all.forwarding", "IPv6 forwarding", "0", Medium, 1, "3.3.1", forwards},
		{"net.ipv4.conf.all.send_redirects", "Sending of ICMP redirects", "0", Medium, 1, "3.3.2", sends},
		{"net.ipv4.conf.default.send_redirects", "Sending of ICMP redirects, new interfaces", "0", Medium, 1, "3.3.2", sends},
		{
			"net.ipv4.icmp_ignore_bogus_error_responses", "Bogus ICMP responses ignored", "1", Low, 1, "3.3.3",
			"Routers that break RFC 1122 would fill the log.",
		},
		{
			"net.ipv4.icmp_echo_ignore_broadcasts", "Broadcast pings ignored", "1", Low, 1, "3.3.4",
			"The host would amplify an attack on a forged source address.",
		},
		{"net.ipv4.conf.all.accept_redirects", "ICMP redirects", "0", Medium, 1, "3.3.5", redirects},
		{"net.ipv4.conf.default.accept_redirects", "ICMP redirects, new interfaces", "0", Medium, 1, "3.3.5", redirects},
		{"net.ipv6.conf.all.accept_redirects", "ICMPv6 redirects", "0", Medium, 1, "3.3.5", redirects},
		{"net.ipv6.conf.default.accept_redirects", "ICMPv6 redirects, new interfaces", "0", Medium, 1, "3.3.5", redirects},
		{"net.ipv4.conf.all.secure_redirects", "ICMP redirects from gateways", "0", Low, 1, "3.3.6", redirects},
		{"net.ipv4.conf.default.secure_redirects", "ICMP redirects from gateways, new interfaces", "0", Low, 1, "3.3.6", redirects},
		{"net.ipv4.conf.all.rp_filter", "Reverse path filter", "1,2", Medium, 1, "3.3.7", spoofed},
		{"net.ipv4.conf.default.rp_filter", "Reverse path filter, new interfaces", "1,2", Medium, 1, "3.3.7", spoofed},
		{"net.ipv4.conf.all.accept_source_route", "Source routing", "0", Medium, 1, "3.3.8", source},
		{"net.ipv4.conf.default.accept_source_route", "Source routing, new interfaces", "0", Medium, 1, "3.3.8", source},
		{"net.ipv6.conf.all.accept_source_route", "IPv6 source routing", "0", Medium, 1, "3.3.8", source},
		{"net.ipv6.conf.default.accept_source_route", "IPv6 source routing, new interfaces", "0", Medium, 1, "3.3.8", source},
		{"net.ipv4.conf.all.log_martians", "Log of impossible addresses", "1", Low, 1, "3.3.9", martians},
		{"net.ipv4.conf.default.log_martians", "Log of impossible addresses, new interfaces", "1", Low, 1, "3.3.9", martians},
		{"net.ipv6.conf.all.accept_ra", "IPv6 router advertisements", "0", Medium, 1, "3.3.11", routers},
		{"net.ipv6.conf.default.accept_ra", "IPv6 router advertisements, new interfaces", "0", Medium, 1, "3.3.11", routers},
		{
			"net.ipv4.tcp_syncookies", "SYN cookies", "1", Medium, 1, "3.3.10",
			"A flood of SYN packets fills the queue, and nobody else can connect.",
		},
		{
			"net.core.bpf_jit_harden", "BPF JIT hardening", ">=1", Medium, 2, "",
			"Constants in BPF programs of users become code in the kernel, at an attacker's choice.",
		},
	}
}

func sysctlKernel() []sysctl {
	const planted = "In directories that all may write, a user plants a file that a program of root then follows or opens."
	return []sysctl{
		{
			"kernel.randomize_va_space", "Address space randomization", "2", High, 1, "1.5.1",
			"Exploits of memory errors need not guess where code and data are.",
		},
		{
			"kernel.yama.ptrace_scope", "Limits of ptrace", ">=1", Medium, 1, "1.5.2",
			"Any program of a user reads the memory of the user's others, keys included.",
		},
		{
			"fs.suid_dumpable", "Core dumps of set-uid programs", "0", Medium, 1, "1.5.3",
			"What a privileged program had in memory ends in a file.",
		},
		{
			"kernel.kptr_restrict", "Hidden kernel addresses", ">=1", Medium, 1, "",
			"Addresses in /proc tell an exploit where the kernel is.",
		},
		{
			"kernel.dmesg_restrict", "Kernel log for root only", "1", Medium, 1, "",
			"The kernel's log tells addresses and devices to any user.",
		},
		{
			"kernel.unprivileged_bpf_disabled", "BPF for root only", ">=1", High, 1, "",
			"Most errors of the BPF verifier let any user become root.",
		},
		{
			"kernel.perf_event_paranoid", "Limits of perf events", ">=2", Medium, 1, "",
			"Users measure the kernel: side channels, and a large surface to attack.",
		},
		{
			"kernel.kexec_load_disabled", "Kernel not replaceable", "1", Medium, 2, "",
			"Root boots another kernel at run time, without Secure Boot's check.",
		},
		{
			"kernel.io_uring_disabled", "Limits of io_uring", ">=1", Medium, 2, "",
			"Many of the kernel's recent privilege escalations went through io_uring.",
		},
		{"fs.protected_symlinks", "Protected symbolic links", "1", High, 1, "", planted},
		{"fs.protected_hardlinks", "Protected hard links", "1", High, 1, "", planted},
		{"fs.protected_fifos", "Protected FIFOs", ">=1", Medium, 1, "", planted},
		{"fs.protected_regular", "Protected regular files", ">=1", Medium, 1, "", planted},
	}
}
