/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which namespaces a task is in, and that it comes into others. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "report.h"

/* struct namespaces are told apart by where they are in memory: the old are there as long as they
 * are compared with the new. */
struct namespaces {
	__u64 uts, ipc, mnt, pid, net, time, cgroup, user;
};

static __always_inline void read_namespaces(struct namespaces *n, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);

	n->uts = (__u64)BPF_CORE_READ(proxy, uts_ns);
	n->ipc = (__u64)BPF_CORE_READ(proxy, ipc_ns);
	n->mnt = (__u64)BPF_CORE_READ(proxy, mnt_ns);
	n->pid = (__u64)BPF_CORE_READ(proxy, pid_ns_for_children);
	n->net = (__u64)BPF_CORE_READ(proxy, net_ns);
	n->time = 0;
	if (bpf_core_field_exists(proxy->time_ns_for_children))
		n->time = (__u64)BPF_CORE_READ(proxy, time_ns_for_children);
	n->cgroup = (__u64)BPF_CORE_READ(proxy, cgroup_ns);
	n->user = (__u64)BPF_CORE_READ(task, cred, user_ns);
}

static __always_inline __u64 namespaces_differ(const struct namespaces *a,
					       const struct namespaces *b)
{
	return (a->uts == b->uts ? 0 : CLONE_NEWUTS) | (a->ipc == b->ipc ? 0 : CLONE_NEWIPC) |
	       (a->mnt == b->mnt ? 0 : CLONE_NEWNS) | (a->pid == b->pid ? 0 : CLONE_NEWPID) |
	       (a->net == b->net ? 0 : CLONE_NEWNET) | (a->time == b->time ? 0 : CLONE_NEWTIME) |
	       (a->cgroup == b->cgroup ? 0 : CLONE_NEWCGROUP) |
	       (a->user == b->user ? 0 : CLONE_NEWUSER);
}

static __always_inline void report_namespaces(struct counts *c, enum namespace_call call,
					      __u64 flags, long ret)
{
	__u32 weight = wanted(c, CLASS_NAMESPACE, current_excluded(), true);
	struct namespace_record r;

	if (!weight)
		return;
	begin_now(&r.head, CLASS_NAMESPACE, weight, ret);
	r.flags = flags;
	r.call = call;
	r.pad = 0;
	send(c, &r.head, sizeof(r), CLASS_NAMESPACE, true);
}

/* report_clone: the current task makes a child or thread in namespaces of its own. */
static __always_inline void report_clone(struct task_struct *parent, struct task_struct *child)
{
	struct namespaces of_parent, of_child;
	__u64 flags;

	if (!(report_classes >> CLASS_NAMESPACE & 1) ||
	    (parent->nsproxy == child->nsproxy && parent->cred->user_ns == child->cred->user_ns))
		return;
	read_namespaces(&of_parent, parent);
	read_namespaces(&of_child, child);
	flags = namespaces_differ(&of_parent, &of_child);
	if (flags && !is_other())
		report_namespaces(my_counts(), NAMESPACE_CLONE, flags, 0);
}
