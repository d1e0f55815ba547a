/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which files are watched. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
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
	__u64 lengths; /* bit n: a name of n bytes, or of n and a multiple of 64 */
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

/* first_of reads the first 8 bytes of a short name. */
static __always_inline __u64 first_of(struct dentry *d, bool direct)
{
	__u64 front = 0;

	if (direct)
		return word_of(d, 0);
	bpf_probe_read_kernel(&front, sizeof(front), BPF_CORE_READ(d, d_name.name));
	return front;
}

static __always_inline bool passes(const struct name_filter *f, struct dentry *d, bool direct)
{
	__u32 len = direct ? d->d_name.len : BPF_CORE_READ(d, d_name.len);
	__u64 lengths = f->lengths;

	asm volatile("%0 >>= %1" : "+r"(lengths) : "r"((__u64)len)); /* by len modulo 64 */
	if (!(lengths & 1))
		return false;
	if (len >= LONG_NAME)
		return true;
	return has_bit(f, name_bit(first_of(d, direct), len));
}

/* inode_of names an inode; direct: the verifier knows it as one. */
static __always_inline struct inode_key inode_of(struct inode *inode, bool direct)
{
	struct inode_key key = {
	    .inode = direct ? inode->i_ino : BPF_CORE_READ(inode, i_ino),
	    .dev = direct ? inode->i_sb->s_dev : BPF_CORE_READ(inode, i_sb, s_dev),
	};

	return key;
}

static __always_inline struct watch *watched_inode(struct inode *inode, bool direct)
{
	struct inode_key key = inode_of(inode, direct);

	return bpf_map_lookup_elem(&watched_inodes, &key);
}

/* struct two_names is the end of a path, as a key: a directory's name and a file's. */
struct two_names {
	struct path_key key;
	__u8 slack[NAME_LEN]; /* for the name that begins at the end of key.path */
};

/* watched_by_name finds a file by its last two names, whatever directory they are in. */
static __always_inline struct watch *watched_by_name(struct two_names *two, struct file *file)
{
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	long n, m;

	n = bpf_probe_read_kernel_str(two->key.path, NAME_LEN,
				      BPF_CORE_READ(d, d_parent, d_name.name));
	if (n <= 0 || n >= PATH_LEN)
		return NULL;
	two->key.path[(n - 1) & (PATH_LEN - 1)] = '/';
	m = bpf_probe_read_kernel_str(&two->key.path[n & (PATH_LEN - 1)], NAME_LEN,
				      BPF_CORE_READ(d, d_name.name));
	if (m <= 0 || n + m > PATH_LEN)
		return NULL;
	two->key.bits = (n + m) * 8;
	return bpf_map_lookup_elem(&watched_paths, &two->key);
}

/* host_root is the mount that process 1 has as its root, told by self_known. */
__u64 host_root = 0;

/* Raised each time the watched paths are looked at, so that mounts are looked at again too. */
__u64 mounts_round = 0;

struct mount_key {
	__u64 mount;
	__u64 mountpoint; /* it may be moved */
};

/* mounts_known: the round in which a mount was looked at, and in the lowest bit what was found. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct mount_key);
	__type(value, __u64);
} mounts_known SEC(".maps");

/* below_watched climbs from where a mount is to the root, as long as no name is a watched one's. */
static __always_inline bool below_watched(struct mount *mnt)
{
	struct mount *up = BPF_CORE_READ(mnt, mnt_parent);
	struct dentry *d = BPF_CORE_READ(mnt, mnt_mountpoint);

	if (up == mnt)
		return false;
	if (passes(&watched_names, d, false))
		return true;
	for (int i = 0; i < DEPTH_MAX; i++) {
		struct dentry *parent = BPF_CORE_READ(d, d_parent);

		if (passes(&watched_dirs, d, false))
			return true;
		if (d == BPF_CORE_READ(up, mnt.mnt_root) || d == parent) {
			mnt = up;
			up = BPF_CORE_READ(mnt, mnt_parent);
			if (up == mnt)
				return false;
			parent = BPF_CORE_READ(mnt, mnt_mountpoint);
		}
		d = parent;
	}
	return true;
}

/*
 * on_watched_mount tells whether the names on the way to a mount let its files
 * through the filter: those on the way from the file end at the mount's root.
 */
static __always_inline bool on_watched_mount(struct vfsmount *vfs)
{
	struct mount *mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	struct mount_key key = {
	    .mount = (__u64)mnt,
	    .mountpoint = (__u64)BPF_CORE_READ(mnt, mnt_mountpoint),
	};
	__u64 *known = bpf_map_lookup_elem(&mounts_known, &key), found;

	if (known && *known >> 1 == mounts_round)
		return *known & 1;
	found = mounts_round << 1 | below_watched(mnt);
	bpf_map_update_elem(&mounts_known, &key, &found, BPF_ANY);
	return found & 1;
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
		found = watched_inode(BPF_CORE_READ(d, d_inode), false);
		if (found)
			return found;
	}
	return NULL;
}

/*
 * find_watch gives what an open of file is worth, if it is watched. The inode of
 * a watched directory stands for what is below it, not for itself.
 */
static __always_inline struct watch *find_watch(struct walk *w, struct two_names *two,
						struct file *file, bool direct)
{
	bool climbed = read_path(WALK_OPEN, &file->f_path, direct);
	struct counts *c = my_counts();
	struct watch *found = NULL;

	if (climbed)
		found = bpf_map_lookup_elem(&watched_paths, &w->key);
	if (!found && ((direct ? file->f_inode->i_mode : BPF_CORE_READ(file, f_inode, i_mode)) &
		       S_IFMT) != S_IFDIR)
		found =
		    watched_inode(direct ? file->f_inode : BPF_CORE_READ(file, f_inode), direct);
	if (!found && climbed)
		found = watched_dir(w);
	if (!found)
		found = watched_by_name(two, file);
	if (!found && !climbed)
		ADD(c, untracked, 1);
	return found;
}
