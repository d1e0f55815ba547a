/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is to be known of a task: its class, its container. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "path.h"
#include "who.h"

#define CGROUP_NAME_LEN	 256 /* NAME_MAX and its NUL */
#define CONTAINER_ID_LEN 64

/* The host's mount namespace, told by self_known; 0 while unknown. */
__u32 host_mnt_ns = 0;

/* cgroup_key is unique: ids are per hierarchy and never used again. */
struct cgroup_key {
	__u64 id;
	__u32 hierarchy;
	__u32 pad;
};

/* container_cgroups remembers which cgroups are a container's. Evicting costs a second look. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct cgroup_key);
	__type(value, __u32);
} container_cgroups SEC(".maps");

/* exec_dirs holds directories, with trailing slash, and their enum dir_kind. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 256);
	__type(key, struct path_key);
	__type(value, enum dir_kind);
} exec_dirs SEC(".maps");

/* interpreters holds the names of shells and interpreters, without version. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, struct name);
	__type(value, __u32);
} interpreters SEC(".maps");

/* One for each of the walks above WALK_KNOWN. */
struct exec_scratch {
	struct task_struct *task;
	struct file *exe;
	const char *script; /* the name by which it was run */
	__u8 cgroup[CGROUP_NAME_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALK_KNOWN + 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

/* Tables, for loops without branches: the verifier follows every combination of those. */
const volatile __u8 hex_digit[256] = {['0' ... '9'] = 1, ['a' ... 'f'] = 1};
const volatile __u8 version_begins[256] = {[0] = 1, ['0' ... '9'] = 1, ['.'] = 1, ['-'] = 1};

/*
 * names_container tells whether a cgroup's name ends in a container id of 64
 * hexadecimal digits, alone or as in docker-ID.scope. The monitor that CRI-O
 * and podman run beside a container (crio-conmon-ID.scope) is of the host. Global,
 * see finish_path.
 */
__noinline int names_container(__u32 slot, __u64 from)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	__u32 end, start, digits = 0;
	__u8 *name;
	long n;

	if (!s)
		return false;
	name = s->cgroup;
	n = bpf_probe_read_kernel_str(name, CGROUP_NAME_LEN, (void *)from);
	if (n <= CONTAINER_ID_LEN || n > CGROUP_NAME_LEN)
		return false;
	end = n - 1;
	if (name[(end - 6) & (CGROUP_NAME_LEN - 1)] == '.')
		end -= 6; /* .scope */
	if (end < CONTAINER_ID_LEN)
		return false;
	start = end - CONTAINER_ID_LEN;
	for (__u32 i = 0; i < CONTAINER_ID_LEN; i++)
		digits += hex_digit[name[(start + i) & (CGROUP_NAME_LEN - 1)]];
	if (digits != CONTAINER_ID_LEN)
		return false;
	return start < 7 || name[(start - 7) & (CGROUP_NAME_LEN - 1)] != 'c' ||
	       name[(start - 2) & (CGROUP_NAME_LEN - 1)] != 'n'; /* conmon- */
}

static __always_inline bool cgroup_is_container(__u32 slot, struct cgroup *cgroup)
{
	struct kernfs_node *kn = BPF_CORE_READ(cgroup, kn);
	struct cgroup_key key = {
	    .id = BPF_CORE_READ(kn, id),
	    .hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id),
	};
	__u32 *known, yes = 0;

	known = bpf_map_lookup_elem(&container_cgroups, &key);
	if (known)
		return *known;
	for (int i = 0; i < CGROUP_DEPTH && kn && !yes; i++) {
		yes = names_container(slot, (__u64)BPF_CORE_READ(kn, name));
		kn = kernfs_parent(kn);
	}
	bpf_map_update_elem(&container_cgroups, &key, &yes, BPF_ANY);
	return yes;
}

static __always_inline bool in_container(__u32 slot, struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *v2 = BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup *v1;

	if (host_mnt_ns && BPF_CORE_READ(task, thread_pid, level) &&
	    BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != host_mnt_ns)
		return true;
	if (BPF_CORE_READ(v2, level) && cgroup_is_container(slot, v2))
		return true;
	v1 = v1_cgroup(set);
	return v1 && BPF_CORE_READ(v1, root) != BPF_CORE_READ(v2, root) &&
	       BPF_CORE_READ(v1, level) && cgroup_is_container(slot, v1);
}

/* is_fileless: a memfd, an O_TMPFILE, or a file that was deleted before it ran. */
static __always_inline bool is_fileless(struct file *exe)
{
	struct dentry *d = BPF_CORE_READ(exe, f_path.dentry);

	return !BPF_CORE_READ(exe, f_inode, i_nlink) ||
	       (!BPF_CORE_READ(d, d_hash.pprev) && BPF_CORE_READ(d, d_parent) != d);
}

static __always_inline bool is_interpreter(struct file *exe)
{
	struct name name = {};
	__u8 keep = 0xff;

	bpf_probe_read_kernel_str(name.text, sizeof(name.text),
				  BPF_CORE_READ(exe, f_path.dentry, d_name.name));
	for (int i = 0; i < COMM_LEN; i++) { /* python3.11 is python */
		keep &= version_begins[name.text[i]] - 1;
		name.text[i] &= keep;
	}
	return bpf_map_lookup_elem(&interpreters, &name);
}

/* opened returns the file of a descriptor, NULL if there is none. */
static __always_inline struct file *opened(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* socket_in returns the socket that is in a file, NULL if there is none. */
static __always_inline struct sock *socket_in(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* fd_is_remote: the descriptor is a socket, but not one that stays on the host as the journal's. */
static __always_inline bool fd_is_remote(struct task_struct *task, __u32 fd)
{
	struct sock *sk = socket_in(opened(task, fd));

	return sk && BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX &&
	       BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN; /* FastCGI */
}

static __always_inline bool is_reverse_shell(struct task_struct *task, struct file *exe)
{
	return is_interpreter(exe) && (fd_is_remote(task, 0) || fd_is_remote(task, 1));
}

/*
 * is_planted_script tells whether a script was run from a world-writable
 * directory. Its file is closed by now, only the name is left by which
 * it was run: links and ".." in it are not resolved.
 */
__noinline int is_planted_script(__u32 slot)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	struct walk *w = walk_in(WALK_SCRIPT);
	enum dir_kind *dir;
	__u32 end;
	long n;

	if (!s || !w)
		return 0;
	n = bpf_probe_read_kernel_str(w->key.path, PATH_LEN, s->script);
	if (n <= 0)
		return 0;
	w->key.bits = n * 8;
	if (w->key.path[0] != '/') {
		struct task_struct *task = s->task;
		struct fs_struct *fs = BPF_CORE_READ(task, fs);

		if (!read_path(WALK_SCRIPT, &fs->pwd, false))
			return 1; /* too deep to be sure */
		end = w->key.bits / 8 - 1;
		w->key.path[end & (PATH_LEN - 1)] = '/';
	}
	dir = bpf_map_lookup_elem(&exec_dirs, &w->key);
	return dir && *dir == DIR_WORLD_WRITABLE;
}

/* classify_path classifies by the path that was read; global, see finish_path. */
__noinline int classify_path(__u32 slot)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	struct walk *w = walk_in(slot);
	struct file *exe;
	enum dir_kind *dir;

	if (!s || !w)
		return PROCESS_USER;
	exe = s->exe;
	dir = bpf_map_lookup_elem(&exec_dirs, &w->key);
	if (is_fileless(exe) || (dir && *dir == DIR_WORLD_WRITABLE) ||
	    is_reverse_shell(s->task, exe))
		return PROCESS_SUSPICIOUS;
	if (in_container(slot, s->task))
		return PROCESS_CONTAINER;
	if (dir && *dir == DIR_SYSTEM && !(BPF_CORE_READ(exe, f_inode, i_mode) & S_IWOTH))
		return PROCESS_SYSTEM;
	return PROCESS_USER;
}

/* classify gives the type of the process that runs exe. */
static __always_inline enum process_type classify(struct task_struct *task, struct file *exe,
						  __u32 slot, bool direct)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	__u32 type;

	if (!s)
		return PROCESS_USER; /* cannot be: a per-CPU array has all its values */
	s->task = task;
	s->exe = exe;
	if (!read_path(slot, &exe->f_path, direct))
		return PROCESS_SUSPICIOUS; /* too deep to be sure */
	type = classify_path(slot);
	barrier_var(type); /* clang knows what it can be, the verifier does not */
	return type & (PROCESS_TYPES - 1);
}
