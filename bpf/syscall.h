/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The first argument of a system call, when it has returned. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* call_args holds the argument of each task's current call, where its return cannot tell. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u32);
} call_args SEC(".maps");

/* Runs where the call begins; regs are those of user space. */
SEC("kprobe")
int BPF_KPROBE(keep_arg, struct pt_regs *regs)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 arg = PT_REGS_PARM1_CORE_SYSCALL(regs);

	bpf_map_update_elem(&call_args, &id, &arg, BPF_ANY);
	return 0;
}

/* take_arg is false if the call began before the programs were attached. */
static __always_inline bool take_arg(__u32 *arg)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 *kept = bpf_map_lookup_elem(&call_args, &id);

	if (!kept)
		return false;
	*arg = *kept;
	bpf_map_delete_elem(&call_args, &id);
	return true;
}

/* user_regs gives the registers with which the call began. Since Linux 5.15. */
static __always_inline struct pt_regs *user_regs(void)
{
	return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
}
