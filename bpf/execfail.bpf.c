/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Executions that failed. They are reported, but no executions, and so not counted. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "note.h"
#include "report.h"

/* Whether executions of what is not there are to be reported. */
const volatile bool report_missing = false;

struct exec_note {
	struct exec_record r;
	__u8 name[LONG_PATH];
};

NOTES(exec_notes, struct exec_note);

/* note_exec notes the kernel's copy of the name that was to be run. */
static __always_inline int note_exec(const char *name)
{
	struct noter who = this_noter();
	struct exec_note *note = NOTE(exec_notes, &who);
	long n;

	if (!note)
		return 0;
	n = bpf_probe_read_kernel_str(note->name, sizeof(note->name), name);
	note->r.exe_len = n > 0 && n <= LONG_PATH ? n - 1 : 0;
	return 0;
}

static __always_inline void forget_exec(void)
{
	struct noter who = this_noter();

	if (bpf_map_lookup_elem(&exec_notes, &who))
		bpf_map_delete_elem(&exec_notes, &who);
}

/*
 * Whatever came of an exec ends here, after all files of it were opened. What has
 * still its new memory has not been run: it failed when the old program could go on.
 */
static __always_inline int exec_is_over(struct linux_binprm *bprm, const void *new_memory)
{
	if (new_memory)
		return note_exec(BPF_CORE_READ(bprm, filename));
	forget_exec(); /* the name of an interpreter */
	return 0;
}

SEC("fentry/free_bprm")
int BPF_PROG(exec_end_fentry, struct linux_binprm *bprm)
{
	return exec_is_over(bprm, bprm->mm);
}

SEC("kprobe/free_bprm")
int BPF_KPROBE(exec_end_kprobe, struct linux_binprm *bprm)
{
	return exec_is_over(bprm, BPF_CORE_READ(bprm, mm));
}

/* Since Linux 6.8 a file that cannot be opened ends the exec before there is a linux_binprm. */
SEC("fexit/do_open_execat")
int BPF_PROG(exec_open_fexit, int fd, struct filename *name, int flags, struct file *file)
{
	if ((unsigned long)file < (unsigned long)-4095)
		return 0;
	return note_exec(BPF_CORE_READ(name, name));
}

SEC("kprobe/do_open_execat")
int BPF_KPROBE(exec_open_kprob, int fd, struct filename *name)
{
	return note_exec(BPF_CORE_READ(name, name));
}

static __always_inline int report_failed_exec(long ret)
{
	struct exec_record plain = {};
	struct noter who;
	struct exec_note *note;
	bool excluded;
	struct counts *c;
	__u32 weight, len;

	if (ret >= 0)
		return 0; /* exec_is_over has forgotten it */
	who = this_noter();
	note = bpf_map_lookup_elem(&exec_notes, &who);
	if (is_other())
		goto out;
	c = my_counts();
	excluded = (!report_missing && (ret == -ENOENT || ret == -ENOTDIR)) || current_excluded();
	weight = wanted(c, CLASS_EXEC, excluded, now_suspicious());
	if (!weight)
		goto out;
	if (!note) {
		begin_now(&plain.head, CLASS_EXEC, weight, ret);
		send(c, &plain.head, sizeof(plain), CLASS_EXEC, false);
		return 0;
	}
	begin_now(&note->r.head, CLASS_EXEC, weight, ret);
	len = note->r.exe_len;
	if (len <= sizeof(note->name))
		send(c, &note->r.head, sizeof(note->r) + len, CLASS_EXEC, false);
out:
	if (note)
		bpf_map_delete_elem(&exec_notes, &who);
	return 0;
}

SEC("fexit")
int BPF_PROG(exec_no_fexit, struct pt_regs *regs, long ret)
{
	return report_failed_exec(ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(exec_no_kret, long ret)
{
	return report_failed_exec(ret);
}

SEC("tracepoint")
int exec_no_tp(struct sys_exit *ctx)
{
	return report_failed_exec(ctx->ret);
}
