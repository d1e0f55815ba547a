/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The arguments of a system call, when it has returned. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct call_args {
	__u64 at[4];
};

/* call_args holds the arguments of each task's current call, where its return cannot tell. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct call_args);
} call_args SEC(".maps");

static __always_inline void read_args(struct call_args *args, struct pt_regs *regs)
{
	args->at[0] = PT_REGS_PARM1_CORE_SYSCALL(regs);
	args->at[1] = PT_REGS_PARM2_CORE_SYSCALL(regs);
	args->at[2] = PT_REGS_PARM3_CORE_SYSCALL(regs);
	args->at[3] = PT_REGS_PARM4_CORE_SYSCALL(regs);
}

/* Runs where the call begins; regs are those of user space. */
SEC("kprobe")
int BPF_KPROBE(keep_args, struct pt_regs *regs)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call_args args;

	read_args(&args, regs);
	bpf_map_update_elem(&call_args, &id, &args, BPF_ANY);
	return 0;
}

/* take_args is false if the call began before the programs were attached. */
static __always_inline bool take_args(struct call_args *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call_args *kept = bpf_map_lookup_elem(&call_args, &id);

	if (!kept)
		return false;
	*args = *kept;
	bpf_map_delete_elem(&call_args, &id);
	return true;
}

/* user_regs gives the registers with which the call began. Since Linux 5.15. */
static __always_inline struct pt_regs *user_regs(void)
{
	return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
}
