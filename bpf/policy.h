/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which files are watched. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "path.h"

#define NAME_BITS 4096
#define LONG_NAME 32 /* does not lie in the dentry on every kernel */

/*
 * struct name_filter holds names of watched files, or of watched directories:
 * their lengths, and a Bloom filter of one hash. Nearly every open ends at a
 * miss here, and nearly every miss at the length.
 */
struct name_filter {
	__u64 bits[NAME_BITS / 64];
	__u64 lengths; /* bit n: a name of n bytes; bit LONG_NAME: of so many or more */
};

struct name_filter watched_names = {};
struct name_filter watched_dirs = {};

/* watched_paths: "/etc/shadow\0", "/etc/pam.d/", or ".ssh/authorized_keys\0" for any directory. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct path_key);
	__type(value, struct watch);
} watched_paths SEC(".maps");

/*
 * watched_inodes holds what the watched paths led to when last looked, for opens
 * by another name of the same file: a hard link, a bind mount, from a chroot.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct inode_key);
	__type(value, struct watch);
} watched_inodes SEC(".maps");

/* name_bit is the filter's hash of a name of len bytes that begins with front. */
static __always_inline __u32 name_bit(__u64 front, __u32 len)
{
	if (len < 8)
		front &= (1ULL << (len * 8)) - 1;
	return ((front ^ len) * 0x9E3779B97F4A7C15ULL) >> 52;
}

static __always_inline bool has_bit(const struct name_filter *f, __u32 bit)
{
	return f->bits[(bit >> 6) & 63] >> (bit & 63) & 1;
}

static __always_inline struct watch *watched_inode(struct inode *inode)
{
	struct inode_key key = {
	    .inode = BPF_CORE_READ(inode, i_ino),
	    .dev = BPF_CORE_READ(inode, i_sb, s_dev),
	};

	return bpf_map_lookup_elem(&watched_inodes, &key);
}

/* watched_by_name finds a file by its last two names, whatever directory they are in. */
static __always_inline struct watch *watched_by_name(struct walk *w, struct file *file)
{
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	long n, m;

	n = bpf_probe_read_kernel_str(w->key.path, NAME_LEN,
				      BPF_CORE_READ(d, d_parent, d_name.name));
	if (n <= 0 || n >= PATH_LEN)
		return NULL;
	w->key.path[(n - 1) & (PATH_LEN - 1)] = '/';
	m = bpf_probe_read_kernel_str(&w->key.path[n & (PATH_LEN - 1)], NAME_LEN,
				      BPF_CORE_READ(d, d_name.name));
	if (m <= 0 || n + m > PATH_LEN)
		return NULL;
	w->key.bits = (n + m) * 8;
	return bpf_map_lookup_elem(&watched_paths, &w->key);
}

/* watched_dir finds a watched directory above the file by its inode. */
static __always_inline struct watch *watched_dir(struct walk *w)
{
	for (__u32 i = 1; i < DEPTH_MAX; i++) {
		struct dentry *d;
		struct watch *found;

		if (i >= w->steps)
			break;
		d = w->dentry[i];
		if (!d)
			continue;
		found = watched_inode(BPF_CORE_READ(d, d_inode));
		if (found)
			return found;
	}
	return NULL;
}

/* find_watch gives what an open of file is worth, if it is watched. */
static __always_inline struct watch *find_watch(struct walk *w, struct file *file, bool direct)
{
	struct watch *found = NULL;
	bool climbed = read_path(w, &file->f_path, direct);

	if (climbed)
		found = bpf_map_lookup_elem(&watched_paths, &w->key);
	if (!found)
		found = watched_inode(BPF_CORE_READ(file, f_inode));
	if (!found && climbed)
		found = watched_dir(w);
	if (!found)
		found = watched_by_name(w, file);
	return found;
}
