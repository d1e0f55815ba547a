/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Process life cycle: how many processes of which type start, end, and are there. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "task.h"

/* The number of the last walk of process_known. */
__u32 process_round = 0;

/* struct process is what is remembered of a process. */
struct process {
	enum process_type type;
	__u32 round; /* of the walk that saw it last, or of that before it began */
};

/*
 * processes holds every process with an executable, by tgid. It is
 * made as large as the host allows processes, within bounds.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* Whoever adds or removes the entry counts, so that no race counts twice. */
static __always_inline long add_process(struct counts *c, __u32 tgid, enum process_type type)
{
	struct process p = {.type = type, .round = process_round};
	long err = bpf_map_update_elem(&processes, &tgid, &p, BPF_NOEXIST);

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
	enum process_type type;
	__u32 tgid = task->tgid;
	struct process *p;

	if (is_other())
		return 0;
	type = classify(task, bprm->file, SCRATCH_EXEC, true);
	if (is_planted_script(task, bprm))
		type = PROCESS_SUSPICIOUS;
	ADD(c, exec[type & 3], 1);
	p = bpf_map_lookup_elem(&processes, &tgid);
	if (!p) {
		if (add_process(c, tgid, type) != -EEXIST)
			return 0;
		p = bpf_map_lookup_elem(&processes, &tgid); /* process_known was first */
	}
	if (!p || p->type == type)
		return 0;
	ADD(c, active[p->type & 3], -1);
	ADD(c, active[type & 3], 1);
	p->type = type;
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_tgid = parent->tgid, tgid = child->tgid;
	struct process *p;
	struct file *exe;

	if (child->pid != tgid || (child->flags & PF_KTHREAD) || is_other())
		return 0; /* a thread */
	p = bpf_map_lookup_elem(&processes, &parent_tgid);
	if (p) {
		add_process(my_counts(), tgid, p->type);
		return 0;
	}
	exe = BPF_CORE_READ(parent, mm, exe_file); /* older than the receiver, and not yet seen */
	if (exe)
		add_process(my_counts(), tgid, classify(parent, exe, SCRATCH_FORK, false));
	return 0;
}

/* forget removes a process; false if it is not there, or no longer. */
static __always_inline bool forget(__u32 tgid, enum process_type *type)
{
	struct process *p = bpf_map_lookup_elem(&processes, &tgid);

	if (!p)
		return false;
	*type = p->type;
	return !bpf_map_delete_elem(&processes, &tgid);
}

/* Fires for each thread; several of a process may find that none is left. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct counts *c = my_counts();
	enum process_type type;

	if (task->signal->live.counter || !forget(task->tgid, &type))
		return 0;
	ADD(c, exit[type & 3], 1);
	ADD(c, active[type & 3], -1);
	return 0;
}

/*
 * Walks over all tasks. Adds the processes that are older than the programs
 * above, once these are attached; and whenever the kernel has skipped one of
 * them, marks the processes that are there, so that the others can be removed.
 */
SEC("iter/task")
int process_known(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct counts *c = my_counts();
	enum process_type type;
	struct process *p;
	struct file *exe;
	__u32 tgid;

	if (!task)
		return 0;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe || (task->flags & PF_KTHREAD))
		return 0;
	tgid = task->tgid;
	p = bpf_map_lookup_elem(&processes, &tgid);
	if (p)
		p->round = process_round;
	if (p || only_cgroup)
		return 0;
	add_process(c, tgid, classify(task, exe, SCRATCH_KNOWN, false));
	if (task->signal->live.counter)
		return 0;
	/* It ended meanwhile, maybe before the entry was there to remove. */
	if (forget(tgid, &type))
		ADD(c, active[type & 3], -1);
	return 0;
}
