/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One object, so that the maps, types and settings exist exactly once. */
#include "process.bpf.c"
#include "tcp.bpf.c"
#include "udp.bpf.c"
#include "sockets.bpf.c"
#include "file.bpf.c"
#include "privilege.bpf.c"
#include "kernel.bpf.c"
#include "namespace.bpf.c"
#include "execfail.bpf.c"

/*
 * Tells who reads it and where the host's mounts are, in numbers that no
 * namespace changes. A hardened host may hide process 1, then it is asked where
 * the kernel's threads are (kthreadd is 2): in the first mount namespace.
 */
SEC("iter/task")
int self_known(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	self_tgid = bpf_get_current_pid_tgid() >> 32;
	if (task && (task->pid == 1 || (task->pid == 2 && !host_mnt_ns))) {
		host_mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
		host_root = (__u64)BPF_CORE_READ(task, fs, root.mnt);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
