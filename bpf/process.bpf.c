/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Process life cycle: how many processes of which type start, end, and are there. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "task.h"

/*
 * processes holds the type of every process with an executable, by tgid. It is
 * made as large as the host allows processes, and takes memory as they come.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, enum process_type);
} processes SEC(".maps");

/* Whoever adds or removes the entry counts, so that no race counts twice. */
static __always_inline long add_process(struct counts *c, __u32 tgid, enum process_type type)
{
	long err = bpf_map_update_elem(&processes, &tgid, &type, BPF_NOEXIST);

	if (!err)
		ADD(c, active[type & 3], 1);
	else if (err != -EEXIST)
		ADD(c, untracked, 1);
	return err;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct counts *c = my_counts();
	enum process_type *was, type;
	__u32 tgid = task->tgid;

	if (is_other())
		return 0;
	type = classify(task, bprm->file, SCRATCH_EXEC, true);
	if (is_planted_script(task, bprm))
		type = PROCESS_SUSPICIOUS;
	ADD(c, exec[type & 3], 1);
	was = bpf_map_lookup_elem(&processes, &tgid);
	if (!was) {
		if (add_process(c, tgid, type) != -EEXIST)
			return 0;
		was = bpf_map_lookup_elem(&processes, &tgid); /* process_known was first */
	}
	if (!was || *was == type)
		return 0;
	ADD(c, active[*was & 3], -1);
	ADD(c, active[type & 3], 1);
	*was = type;
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_tgid = parent->tgid, tgid = child->tgid;
	enum process_type *type;
	struct file *exe;

	if (child->pid != tgid || (child->flags & PF_KTHREAD) || is_other())
		return 0; /* a thread */
	type = bpf_map_lookup_elem(&processes, &parent_tgid);
	if (type) {
		add_process(my_counts(), tgid, *type);
		return 0;
	}
	exe = BPF_CORE_READ(parent, mm, exe_file); /* older than the receiver, and not yet seen */
	if (exe)
		add_process(my_counts(), tgid, classify(parent, exe, SCRATCH_FORK, false));
	return 0;
}

/* Fires for each thread; several of a process may find that none is left. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct counts *c = my_counts();
	__u32 tgid = task->tgid;
	enum process_type *known, type;

	if (task->signal->live.counter)
		return 0;
	known = bpf_map_lookup_elem(&processes, &tgid);
	if (!known)
		return 0;
	type = *known;
	if (bpf_map_delete_elem(&processes, &tgid))
		return 0;
	ADD(c, exit[type & 3], 1);
	ADD(c, active[type & 3], -1);
	return 0;
}

/* Adds the processes that are older than the programs above, once these are attached. */
SEC("iter/task")
int process_known(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct counts *c = my_counts();
	enum process_type *known, type;
	struct file *exe;
	__u32 tgid;

	if (!task)
		return 0;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe || only_cgroup || (task->flags & PF_KTHREAD))
		return 0;
	tgid = task->tgid;
	if (bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	add_process(c, tgid, classify(task, exe, SCRATCH_KNOWN, false));
	if (task->signal->live.counter)
		return 0;
	/* It ended meanwhile, maybe before the entry was there to remove. */
	known = bpf_map_lookup_elem(&processes, &tgid);
	if (!known)
		return 0;
	type = *known;
	if (!bpf_map_delete_elem(&processes, &tgid))
		ADD(c, active[type & 3], -1);
	return 0;
}
