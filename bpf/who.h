/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who did it: the identity of a process, which its number alone is not. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"

/* struct process is what is remembered of a process. */
struct process {
	__u64 start;
	__u64 image; /* see struct who */
	__u64 parent_start;
	__u64 parent_image;
	__u32 parent_tgid;
	__u32 parent_execs;
	enum process_type type;
	__u32 round;	/* of the walk that saw it last, or of that before it began */
	__u32 excluded; /* its executable is one of which nothing is to be reported */
	__u32 pad;
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

/* Whether the host has a memory or pids hierarchy of cgroup version 1. */
const volatile bool has_cgroup_v1 = true;

/* v1_cgroup returns the task's cgroup in a hierarchy that container engines use on cgroup v1. */
static __always_inline struct cgroup *v1_cgroup(struct css_set *set)
{
	void *subsys = (void *)set + bpf_core_field_offset(struct css_set, subsys);
	struct cgroup_subsys_state *css = NULL;
	__u64 id;

	if (!has_cgroup_v1)
		return NULL;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		id = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		return NULL;
	bpf_probe_read_kernel(&css, sizeof(css), subsys + id * sizeof(css));
	return css ? BPF_CORE_READ(css, cgroup) : NULL;
}

/* own_cgroup returns the cgroup that tells most of a task: that of version 1 if it is in one. */
static __always_inline struct cgroup *own_cgroup(struct css_set *set, struct cgroup *v2)
{
	struct cgroup *v1 = v1_cgroup(set);

	if (v1 && BPF_CORE_READ(v1, root) != BPF_CORE_READ(v2, root) && BPF_CORE_READ(v1, level))
		return v1;
	return v2;
}

/* number_in reads by probes, as the verifier lets no pointer of its own be moved by a variable. */
static __always_inline __u32 number_in(struct task_struct *leader, __u32 level)
{
	void *numbers =
	    (void *)BPF_CORE_READ(leader, thread_pid) + bpf_core_field_offset(struct pid, numbers);
	int nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      numbers + level * bpf_core_type_size(struct upid) +
				  bpf_core_field_offset(struct upid, nr));
	return nr;
}

/* FILL_WHO reads from a task with GET(pointer, field): as the verifier allows, or by probes. */
#define FILL_WHO(w, task, GET)                                                                     \
	do {                                                                                       \
		struct task_struct *leader_ = GET(task, group_leader);                             \
		const struct cred *cred_ = GET(task, cred);                                        \
		struct css_set *set_ = GET(task, cgroups);                                         \
		struct cgroup *v2_ = GET(set_, dfl_cgrp);                                          \
		struct pid *pid_ = GET(leader_, thread_pid);                                       \
		struct fs_struct *fs_ = GET(task, fs);                                             \
		struct task_struct *parent_ = GET(task, real_parent);                              \
		(w)->tgid = GET(task, tgid);                                                       \
		(w)->tid = GET(task, pid);                                                         \
		(w)->start = GET(leader_, start_boottime);                                         \
		(w)->execs = GET(task, self_exec_id);                                              \
		(w)->parent_tgid = GET(parent_, tgid);                                             \
		(w)->uid = GET(cred_, uid.val);                                                    \
		(w)->euid = GET(cred_, euid.val);                                                  \
		(w)->gid = GET(cred_, gid.val);                                                    \
		(w)->egid = GET(cred_, egid.val);                                                  \
		(w)->cwd = fs_ ? (__u64)GET(fs_, pwd.dentry) : 0;                                  \
		(w)->cwd_mount = fs_ ? (__u64)GET(fs_, pwd.mnt) : 0;                               \
		(w)->vpid =                                                                        \
		    pid_ && GET(pid_, level) ? number_in(leader_, GET(pid_, level)) : (w)->tgid;   \
		if (has_cgroup_v1) {                                                               \
			fill_own_cgroup(w, set_, v2_);                                             \
		} else {                                                                           \
			struct kernfs_node *kn_ = GET(v2_, kn);                                    \
			(w)->cgroup = GET(kn_, id);                                                \
			(w)->hierarchy = 0;                                                        \
		}                                                                                  \
	} while (0)

static __always_inline void fill_own_cgroup(struct who *w, struct css_set *set, struct cgroup *v2)
{
	struct cgroup *own = own_cgroup(set, v2);

	w->cgroup = BPF_CORE_READ(own, kn, id);
	w->hierarchy = BPF_CORE_READ(own, root, hierarchy_id);
}

#define GET_DIRECT(from, field) ((from)->field)

static __always_inline void fill_remembered(struct who *w)
{
	struct process *p = bpf_map_lookup_elem(&processes, &w->tgid);

	w->type = PROCESS_USER;
	w->image = 0;
	w->parent_image = 0;
	w->parent_start = 0;
	w->parent_execs = 0;
	if (!p || p->start != w->start)
		return;
	w->type = p->type;
	w->image = p->image;
	w->parent_start = p->parent_start;
	w->parent_image = p->parent_image;
	w->parent_execs = p->parent_execs;
	if (p->parent_tgid)
		w->parent_tgid = p->parent_tgid;
}

/* copy_comm: as bytes clang would copy them one by one. */
static __always_inline void copy_comm(void *to, const void *from)
{
	__u64 *words = to;
	const __u64 *comm = from;

	words[0] = comm[0];
	words[1] = comm[1];
}

/* who_is tells of a task that the verifier knows as one. */
static __always_inline void who_is(struct who *w, struct task_struct *task)
{
	FILL_WHO(w, task, GET_DIRECT);
	copy_comm(w->comm, task->comm);
	fill_remembered(w);
}

static __always_inline void who_by_probes(struct who *w, struct task_struct *task)
{
	FILL_WHO(w, task, BPF_CORE_READ);
	BPF_CORE_READ_INTO(&w->comm, task, comm);
	fill_remembered(w);
}

/* who_probed tells of the current task where no more is allowed than to ask for its address. */
static __noinline int who_probed(struct who *w)
{
	who_by_probes(w, (void *)bpf_get_current_task());
	return 0;
}

/* who_now tells of the current task. */
static __noinline int who_now(struct who *w)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		who_is(w, bpf_get_current_task_btf());
		return 0;
	}
	who_by_probes(w, (void *)bpf_get_current_task()); /* before Linux 5.11 */
	return 0;
}
