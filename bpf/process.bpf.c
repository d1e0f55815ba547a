/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Process life cycle: how many processes of which type start, end, and are there. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "namespace.h"
#include "report.h"
#include "task.h"
#include "who.h"

/* The number of the last walk of process_known. */
__u32 process_round = 0;

/* Whoever adds or removes the entry counts, so that no race counts twice. */
static __always_inline int add_process(struct counts *c, __u32 tgid, const struct process *p)
{
	int err = PUT_NEW(&processes, &tgid, p);

	if (!err)
		ADD(c, active[p->type & 3], 1);
	else if (err != -EEXIST)
		ADD(c, untracked, 1);
	return err;
}

/* new_image names what is run from now on. 0x1000000 CPUs and 2^40 executions on each are enough.
 */
static __always_inline __u64 new_image(struct counts *c)
{
	if (!c)
		return 0;
	return (__u64)(bpf_get_smp_processor_id() + 1) << 40 | ++c->images;
}

#define KNOWN_IMAGE (1ULL << 63) /* of a process that was there before */

/* How much of argv is reported, at most ARGS_MAX. */
const volatile __u32 args_max = ARGS_MAX;

#define EXEC_STRINGS (2 * LONG_PATH + ARGS_MAX + 1)

struct exec_buffer {
	struct exec_record r;
	__u8 strings[EXEC_STRINGS];
};

/* One for each CPU, as a per-CPU array has no room for so large a value (32 KiB). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_buffer);
} exec_buffers SEC(".maps");

struct cgroup_buffer {
	struct cgroup_record r;
	__u8 names[CGROUP_DEPTH * CGROUP_NAME_LEN + CGROUP_NAME_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_buffer);
} cgroup_buffer SEC(".maps");

/* cgroups_told are those of which the path was sent. Evicting costs one more record. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct cgroup_key);
	__type(value, __u32);
} cgroups_told SEC(".maps");

/* tell_cgroup sends the path of the current task's cgroup, which may be gone when its first record
 * is read. Global, see finish_path. */
__noinline int tell_cgroup(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *own = own_cgroup(set, BPF_CORE_READ(set, dfl_cgrp));
	struct kernfs_node *kn = BPF_CORE_READ(own, kn);
	struct cgroup_key key = {
	    .id = BPF_CORE_READ(kn, id),
	    .hierarchy = has_cgroup_v1 ? BPF_CORE_READ(own, root, hierarchy_id) : 0,
	};
	__u32 zero = 0, used = 0;
	struct cgroup_buffer *b;

	b = bpf_map_lookup_elem(&cgroup_buffer, &zero);
	if (!b)
		return 0;
	for (int i = 0; i < CGROUP_DEPTH && kn; i++) {
		struct kernfs_node *up = kernfs_parent(kn);
		long n;

		if (!up || used >= sizeof(b->names) - CGROUP_NAME_LEN)
			break;
		barrier_var(used);
		n = bpf_probe_read_kernel_str(&b->names[used & 4095], CGROUP_NAME_LEN,
					      BPF_CORE_READ(kn, name));
		if (n <= 0 || n > CGROUP_NAME_LEN)
			break;
		used += n;
		barrier_var(used);
		used &= 8191; /* no change; one range at every step for the verifier */
		kn = up;
	}
	b->r.time = bpf_ktime_get_ns();
	b->r.id = key.id;
	b->r.hierarchy = key.hierarchy;
	b->r.class = CLASS_CGROUP;
	b->r.names_len = used;
	if (used > sizeof(b->names))
		return 0;
	if (!bpf_ringbuf_output(&ring_high, b, sizeof(b->r) + used, BPF_RB_NO_WAKEUP))
		bpf_map_update_elem(&cgroups_told, &key, &zero, BPF_ANY);
	return 0;
}

static __always_inline __u32 exec_flags(struct exec_scratch *s, bool is_script)
{
	__u32 flags = is_script ? EXEC_SCRIPT : 0;
	__u64 front = 0;

	if (s->fileless) {
		bpf_probe_read_kernel(&front, 6, s->name);
		flags |= front == 0x3a64666d656d ? EXEC_MEMFD : EXEC_DELETED; /* "memfd:" */
	}
	if (s->mode & (S_ISUID | S_ISGID))
		flags |= EXEC_SETUID;
	return flags;
}

static __always_inline __u32 tty_of(struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;

	if (!tty)
		return 0;
	return tty->driver->major << 20 | (tty->driver->minor_start + tty->index);
}

/* memfd_path: what is only in memory is in no directory, but it has a name. */
static __always_inline void memfd_path(struct walk *w, const unsigned char *name)
{
	long n = bpf_probe_read_kernel_str(&w->key.path[1], PATH_LEN - 1, name);

	w->key.path[0] = '/';
	w->len = n > 0 ? n : 1;
}

/* report_exec: the strings of the new memory, before any other thread can be there to change them.
 */
static __always_inline void report_exec(struct counts *c, struct task_struct *task,
					struct exec_scratch *s, bool is_script, __u32 weight,
					bool high)
{
	unsigned long start = task->mm->arg_start, total = task->mm->arg_end - start;
	struct walk *exe = walk_in(WALK_EXEC), *cwd = walk_in(WALK_SCRIPT);
	__u32 cpu = bpf_get_smp_processor_id(), used = 0, n;
	struct exec_buffer *b = bpf_map_lookup_elem(&exec_buffers, &cpu);
	struct fs_struct *fs = task->fs;
	struct cgroup_key key = {};

	if (!b || !exe || !cwd)
		return; /* cannot be */
	who_is(&b->r.head.who, task);
	key.id = b->r.head.who.cgroup;
	key.hierarchy = b->r.head.who.hierarchy;
	if (!bpf_map_lookup_elem(&cgroups_told, &key))
		tell_cgroup(); /* before the time is taken: records are read in the order of time */
	begin(&b->r.head, CLASS_EXEC, weight, 0);
	b->r.flags = exec_flags(s, is_script);
	b->r.session = task->signal->pids[PIDTYPE_SID]->numbers[0].nr;
	b->r.tty = tty_of(task);
	b->r.args_total = total;

	if (b->r.flags & EXEC_MEMFD)
		memfd_path(exe, s->name);
	n = exe->len & (LONG_PATH - 1);
	bpf_probe_read_kernel(b->strings, n, exe->key.path);
	b->r.exe_len = n;
	used = n;

	b->r.cwd_len = 0;
	if (fs && read_path(WALK_SCRIPT, &fs->pwd, true)) {
		n = cwd->len & (LONG_PATH - 1);
		barrier_var(used);
		bpf_probe_read_kernel(b->strings + (used & (LONG_PATH - 1)), n, cwd->key.path);
		b->r.cwd_len = n;
		used += n;
	}

	n = total > args_max ? args_max : total;
	n &= ARGS_MAX;
	barrier_var(used);
	used &= 2 * LONG_PATH - 1;
	if (n && bpf_probe_read_user(b->strings + used, n, (void *)start)) {
		b->r.flags |= EXEC_NO_ARGS;
		n = 0;
	}
	b->r.args_len = n;
	used += n;
	barrier_var(used);
	if (used > EXEC_STRINGS)
		return; /* cannot be */
	send(c, &b->r.head, sizeof(b->r) + used, CLASS_EXEC, high);
}

/* became remembers what a process runs now. */
static __always_inline void became(struct counts *c, struct task_struct *task,
				   enum process_type type, bool excluded)
{
	__u32 tgid = task->tgid;
	struct process *p = bpf_map_lookup_elem(&processes, &tgid);

	if (!p) {
		struct process new = {
		    .start = task->group_leader->start_boottime,
		    .parent_tgid = task->real_parent->tgid,
		    .type = type,
		    .round = process_round,
		    .image = new_image(c),
		    .excluded = excluded,
		};

		if (add_process(c, tgid, &new) != -EEXIST)
			return;
		p = bpf_map_lookup_elem(&processes, &tgid); /* process_known was first */
		if (!p)
			return;
	}
	p->image = new_image(c);
	p->excluded = excluded;
	p->start = task->group_leader->start_boottime;
	if (p->type == type)
		return;
	ADD(c, active[p->type & 3], -1);
	ADD(c, active[type & 3], 1);
	p->type = type;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct counts *c = my_counts();
	struct walk *w = walk_in(WALK_EXEC);
	__u32 slot = WALK_EXEC, weight;
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	bool is_script, excluded;
	enum process_type type;

	if (!s || !w || is_other())
		return 0;
	type = classify(task, bprm->file, slot, true);
	s->script = bprm->filename;
	is_script = s->script != bprm->interp;
	if (is_script && is_planted_script(slot))
		type = PROCESS_SUSPICIOUS;
	excluded = executable_excluded(&w->key);
	ADD(c, exec[type & 3], 1);
	became(c, task, type, excluded);
	excluded = excluded || current_excluded();
	weight = wanted(c, CLASS_EXEC, excluded, type == PROCESS_SUSPICIOUS);
	if (weight)
		report_exec(c, task, s, is_script, weight, type == PROCESS_SUSPICIOUS);
	return 0;
}

static __always_inline void fill_parent(struct process *p, struct task_struct *parent,
					const struct process *known)
{
	p->parent_tgid = parent->tgid;
	p->parent_start = parent->group_leader->start_boottime;
	p->parent_execs = parent->self_exec_id;
	p->parent_image = known ? known->image : 0;
}

/* classified_excluded is about the executable that was classified last. */
static __always_inline bool classified_excluded(__u32 slot)
{
	struct walk *w = walk_in(slot);

	return w && executable_excluded(&w->key);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_tgid = parent->tgid, tgid = child->tgid;
	struct process *known, p = {.round = process_round};
	struct file *exe;

	report_clone(parent, child);
	if (child->pid != tgid || (child->flags & PF_KTHREAD) || is_other())
		return 0; /* a thread */
	known = bpf_map_lookup_elem(&processes, &parent_tgid);
	p.start = child->start_boottime;
	fill_parent(&p, parent, known);
	if (known) {
		p.type = known->type;
		p.image = known->image;
		p.excluded = known->excluded;
		add_process(my_counts(), tgid, &p);
		return 0;
	}
	exe = BPF_CORE_READ(parent, mm, exe_file); /* older than the receiver, and not yet seen */
	if (!exe)
		return 0;
	p.type = classify(parent, exe, WALK_FORK, false);
	p.excluded = classified_excluded(WALK_FORK);
	add_process(my_counts(), tgid, &p);
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
	struct exit_record r = {};
	enum process_type type;
	__u32 weight, code;
	bool excluded;

	if (task->signal->live.counter)
		return 0;
	if (report_classes >> CLASS_EXIT & 1)
		who_is(&r.head.who, task); /* as long as it is remembered */
	excluded = current_excluded();
	if (!forget(task->tgid, &type))
		return 0;
	ADD(c, exit[type & 3], 1);
	ADD(c, active[type & 3], -1);
	weight = wanted(c, CLASS_EXIT, excluded, type == PROCESS_SUSPICIOUS);
	if (!weight)
		return 0;
	begin(&r.head, CLASS_EXIT, weight, 0);
	code = task->group_leader->exit_code;
	if (task->signal->flags & SIGNAL_GROUP_EXIT)
		code = task->signal->group_exit_code;
	r.code = code >> 8 & 0xff;
	r.signal = code & 0xff;
	send(c, &r.head, sizeof(r), CLASS_EXIT, type == PROCESS_SUSPICIOUS);
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
	struct process *p, new = {};
	struct task_struct *parent;
	enum process_type type;
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
	parent = task->real_parent;
	fill_parent(&new, parent, NULL);
	tgid = new.parent_tgid;
	p = bpf_map_lookup_elem(&processes, &tgid);
	if (p)
		new.parent_image = p->image;
	new.start = task->group_leader->start_boottime;
	new.round = process_round;
	new.image = KNOWN_IMAGE | bpf_ktime_get_ns();
	new.type = classify(task, exe, WALK_KNOWN, false);
	new.excluded = classified_excluded(WALK_KNOWN);
	tgid = task->tgid;
	add_process(c, tgid, &new);
	if (task->signal->live.counter)
		return 0;
	/* It ended meanwhile, maybe before the entry was there to remove. */
	if (forget(tgid, &type))
		ADD(c, active[type & 3], -1);
	return 0;
}
