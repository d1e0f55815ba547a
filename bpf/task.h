/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is to be known of a task: its class, its container. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "cast.h"
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

/* struct exec_scratch is what decides the type of a process that runs an executable. */
struct exec_scratch {
	struct task_struct *task;
	struct cgroup *cgroup;	   /* of version 2 */
	const unsigned char *name; /* of the executable */
	const char *script;	   /* the name by which it was run */
	__u64 cgroup_id;
	__u32 cgroup_level;
	__u32 mode;	/* of the executable */
	__u32 fileless; /* a memfd, an O_TMPFILE, or a file that was deleted before it ran */
	__u32 isolated; /* in a pid and a mount namespace that are not the host's */
	__u8 cgroup_name[CGROUP_NAME_LEN];
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
	name = s->cgroup_name;
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

static __always_inline bool cgroup_is_container(__u32 slot, struct cgroup *cgroup,
						const struct cgroup_key *key)
{
	__u32 *known = bpf_map_lookup_elem(&container_cgroups, key), yes = 0;
	struct kernfs_node *kn;

	if (known)
		return *known;
	kn = BPF_CORE_READ(cgroup, kn);
	for (int i = 0; i < CGROUP_DEPTH && kn && !yes; i++) {
		yes = names_container(slot, (__u64)BPF_CORE_READ(kn, name));
		kn = kernfs_parent(kn);
	}
	bpf_map_update_elem(&container_cgroups, key, &yes, BPF_ANY);
	return yes;
}

static __always_inline bool in_v1_container(__u32 slot, struct task_struct *task)
{
	struct cgroup *v1 = v1_cgroup(BPF_CORE_READ(task, cgroups));
	struct cgroup_key key = {};

	if (!v1 || !BPF_CORE_READ(v1, level))
		return false;
	key.hierarchy = BPF_CORE_READ(v1, root, hierarchy_id);
	key.id = BPF_CORE_READ(v1, kn, id);
	return key.hierarchy && cgroup_is_container(slot, v1, &key);
}

static __always_inline bool in_container(__u32 slot, struct exec_scratch *s)
{
	struct cgroup_key key = {.id = s->cgroup_id};

	return s->isolated || (s->cgroup_level && cgroup_is_container(slot, s->cgroup, &key)) ||
	       in_v1_container(slot, s->task);
}

static __always_inline bool is_interpreter(const unsigned char *file_name)
{
	struct name name = {};
	__u8 keep = 0xff;

	bpf_probe_read_kernel_str(name.text, sizeof(name.text), file_name);
	for (int i = 0; i < COMM_LEN; i++) { /* python3.11 is python */
		keep &= version_begins[name.text[i]] - 1;
		name.text[i] &= keep;
	}
	return bpf_map_lookup_elem(&interpreters, &name);
}

/* opened returns the file of a descriptor, NULL if there is none. */
static __always_inline struct file *opened(struct task_struct *task, __u32 fd)
{
	struct file *file = NULL, **files;
	struct fdtable *table;
	__u32 max;

	if (CAN_CAST) {
		table = CAST(struct task_struct, task)->files->fdt;
		files = table->fd;
		max = table->max_fds;
	} else {
		table = BPF_CORE_READ(task, files, fdt);
		files = BPF_CORE_READ(table, fd);
		max = BPF_CORE_READ(table, max_fds);
	}
	if (fd < max)
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

static __always_inline bool is_reverse_shell(struct exec_scratch *s)
{
	return is_interpreter(s->name) && (fd_is_remote(s->task, 0) || fd_is_remote(s->task, 1));
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

/* classify_path classifies by what was read; global, see finish_path. */
__noinline int classify_path(__u32 slot)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	struct walk *w = walk_in(slot);
	enum dir_kind *dir;

	if (!s || !w)
		return PROCESS_USER;
	dir = bpf_map_lookup_elem(&exec_dirs, &w->key);
	if (s->fileless || (dir && *dir == DIR_WORLD_WRITABLE) || is_reverse_shell(s))
		return PROCESS_SUSPICIOUS;
	if (in_container(slot, s))
		return PROCESS_CONTAINER;
	if (dir && *dir == DIR_SYSTEM && !(s->mode & S_IWOTH))
		return PROCESS_SYSTEM;
	return PROCESS_USER;
}

/* READ_SCRATCH reads what classify_path needs, with GET as in FILL_WHO. */
#define READ_SCRATCH(s, task_, exe, GET)                                                           \
	do {                                                                                       \
		struct dentry *d_ = GET(exe, f_path.dentry);                                       \
		struct inode *inode_ = GET(exe, f_inode);                                          \
		struct css_set *set_ = GET(task_, cgroups);                                        \
		struct cgroup *v2_ = GET(set_, dfl_cgrp);                                          \
		struct kernfs_node *kn_ = GET(v2_, kn);                                            \
		struct pid *pid_ = GET(task_, thread_pid);                                         \
		struct nsproxy *proxy_ = GET(task_, nsproxy);                                      \
		struct mnt_namespace *ns_ = GET(proxy_, mnt_ns);                                   \
		(s)->task = task_;                                                                 \
		(s)->cgroup = v2_;                                                                 \
		(s)->cgroup_id = GET(kn_, id);                                                     \
		(s)->cgroup_level = GET(v2_, level);                                               \
		(s)->name = GET(d_, d_name.name);                                                  \
		(s)->mode = GET(inode_, i_mode);                                                   \
		(s)->fileless =                                                                    \
		    !GET(inode_, i_nlink) || (!GET(d_, d_hash.pprev) && GET(d_, d_parent) != d_);  \
		(s)->isolated =                                                                    \
		    host_mnt_ns && GET(pid_, level) && GET(ns_, ns.inum) != host_mnt_ns;           \
	} while (0)

/* classify gives the type of the process that runs exe. */
static __always_inline enum process_type classify(struct task_struct *task, struct file *exe,
						  __u32 slot, bool direct)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratch, &slot);
	__u32 type;

	if (!s)
		return PROCESS_USER; /* cannot be: a per-CPU array has all its values */
	if (direct)
		READ_SCRATCH(s, task, exe, GET_DIRECT);
	else
		READ_SCRATCH(s, task, exe, BPF_CORE_READ);
	if (!read_path(slot, &exe->f_path, direct))
		return PROCESS_SUSPICIOUS; /* too deep to be sure */
	type = classify_path(slot);
	barrier_var(type); /* clang knows what it can be, the verifier does not */
	return type & (PROCESS_TYPES - 1);
}
