/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The counters, and the little that the programs must remember to keep them right. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"

/* Set by self_known; the own opens and loads do not count. */
__u32 self_tgid = 0;

#define CGROUP_DEPTH 16

/*
 * Count only what happens below one cgroup, or to sockets of one network
 * namespace. 0, the rule, is everything, and costs nothing: the verifier drops
 * the branch. Tests need it to be alone on a busy host.
 */
const volatile __u64 only_cgroup = 0;
const volatile __u32 only_netns = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counts);
} counters SEC(".maps");

static __always_inline struct counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* Locked, because an interrupt or a preempting task may count on the same CPU. */
#define ADD(c, field, n)                                                                           \
	({                                                                                         \
		if (c)                                                                             \
			__sync_fetch_and_add(&(c)->field, n);                                      \
	})

/*
 * PUT_NEW adds an entry, or returns why not as a negative errno. Before Linux 6.4
 * (d7ba4cc900bf) a map's functions return an int, whose sign arm64 does not extend.
 */
#define PUT_NEW(map, key, value) ((int)bpf_map_update_elem(map, key, value, BPF_NOEXIST))

static __always_inline bool is_self(void)
{
	return bpf_get_current_pid_tgid() >> 32 == self_tgid;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___rcu *rcu = (void *)kn;

	if (bpf_core_field_exists(rcu->__parent)) /* 633488947ef6, Linux 6.15 */
		return BPF_CORE_READ(rcu, __parent);
	barrier(); /* or clang looks where the field is before it is known to be there */
	return BPF_CORE_READ(kn, parent);
}

static __always_inline bool is_other(void)
{
	struct task_struct *task;
	struct kernfs_node *kn;

	if (!only_cgroup)
		return false;
	task = (void *)bpf_get_current_task();
	kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	for (int i = 0; i < CGROUP_DEPTH && kn; i++) {
		if (BPF_CORE_READ(kn, id) == only_cgroup)
			return false;
		kn = kernfs_parent(kn);
		barrier_var(i); /* or clang unrolls it in every program */
	}
	return true;
}

static __always_inline bool is_other_net(const struct sock *sk)
{
	return only_netns && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != only_netns;
}
