/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is put into the kernel and taken out of it: modules and BPF. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "syscall.h"

static __always_inline int count_module(enum module_action action, long ret)
{
	struct counts *c = my_counts();

	if (is_other())
		return 0;
	ADD(c, module[action][ret < 0 ? RESULT_FAILURE : RESULT_SUCCESS], 1);
	return 0;
}

/* One program a call and way: fexit and kretprobe of the call itself tax no other one. */
#define MODULE(call, ACTION)                                                                       \
	SEC("fexit")                                                                               \
	int BPF_PROG(call##_fexit, struct pt_regs *regs, long ret)                                 \
	{                                                                                          \
		return count_module(ACTION, ret);                                                  \
	}                                                                                          \
	SEC("kretprobe")                                                                           \
	int BPF_KRETPROBE(call##_kret, long ret)                                                   \
	{                                                                                          \
		return count_module(ACTION, ret);                                                  \
	}                                                                                          \
	SEC("tracepoint")                                                                          \
	int call##_tp(struct sys_exit *ctx)                                                        \
	{                                                                                          \
		return count_module(ACTION, ctx->ret);                                             \
	}

MODULE(mod_init, MODULE_LOAD)
MODULE(mod_finit, MODULE_LOAD_FILE)
MODULE(mod_del, MODULE_UNLOAD)

/*
 * Where the calls cannot be hooked: what came of them, without the failures.
 * An unload is told from a load that failed late by the syscall that is running.
 */
static __always_inline long syscall_number(void)
{
	struct pt_regs *regs = user_regs();

#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, orig_ax);
#else
	return BPF_CORE_READ(regs, syscallno);
#endif
}

const volatile long nr_init_module = 0;
const volatile long nr_finit_module = 0;
const volatile long nr_delete_module = 0;

SEC("tp_btf/module_load")
int BPF_PROG(mod_load_tp, struct module *mod)
{
	long nr = syscall_number();

	if (nr == nr_init_module)
		return count_module(MODULE_LOAD, 0);
	if (nr == nr_finit_module)
		return count_module(MODULE_LOAD_FILE, 0);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(mod_free_tp, struct module *mod)
{
	if (syscall_number() == nr_delete_module)
		return count_module(MODULE_UNLOAD, 0);
	return 0;
}

static __always_inline int count_bpf(long cmd, long ret)
{
	enum result result = ret < 0 ? RESULT_FAILURE : RESULT_SUCCESS;
	struct counts *c;

	if (is_self() || is_other())
		return 0;
	c = my_counts();
	switch (cmd) {
	case BPF_PROG_LOAD:
		ADD(c, bpf[COMMAND_PROG_LOAD][result], 1);
		break;
	case BPF_MAP_CREATE:
		ADD(c, bpf[COMMAND_MAP_CREATE][result], 1);
		break;
	case BPF_PROG_ATTACH:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_LINK_CREATE:
		ADD(c, bpf[COMMAND_ATTACH][result], 1);
		break;
	}
	return 0;
}

SEC("fexit")
int BPF_PROG(bpf_fexit, struct pt_regs *regs, long ret)
{
	return count_bpf((__u32)PT_REGS_PARM1_CORE_SYSCALL(regs), ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(bpf_kret, long ret)
{
	__u32 cmd;

	return take_arg(&cmd) ? count_bpf(cmd, ret) : 0;
}

SEC("tracepoint")
int bpf_tp(struct sys_exit *ctx)
{
	return count_bpf((__u32)PT_REGS_PARM1_CORE_SYSCALL(user_regs()), ctx->ret);
}
