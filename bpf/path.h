/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The path of a file, from the kernel's own objects. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"

#define DEPTH_MAX  128 /* names and mounts on the way from a file to the root */
#define SHORT_NAME 15  /* lies in the dentry on every kernel, with its NUL in two words */
#define NAME_LEN   256
#define LONG_PATH  4096 /* what is reported of a path, in bytes */

/* struct walk is one climb from a file to the root: too big for the stack. */
struct walk {
	struct dentry *dentry[DEPTH_MAX];     /* leaf first */
	const unsigned char *name[DEPTH_MAX]; /* of each dentry; NULL for the root of a mount */
	__u64 front[DEPTH_MAX][2];	      /* of each name, if len says so */
	__u32 len_of[DEPTH_MAX];	      /* of each name, 0 if it is to be read */
	struct dentry *from;		      /* where the climb is to go on */
	struct dentry *root;		      /* of the mount that this is in */
	struct vfsmount *mnt;
	__u32 steps;
	__u32 len; /* of the path, without NUL */
	struct path_key key;
	__u8 rest[LONG_PATH - PATH_LEN]; /* of the path that begins in key */
	__u8 slack[NAME_LEN];		 /* for the name that begins at its end */
	__u32 pad;
};

/* Each program has walks of its own, as one may be preempted by another. */
enum walk_slot {
	WALK_EXEC,
	WALK_SCRIPT, /* and the working directory */
	WALK_FORK,
	WALK_KNOWN,
	WALK_OPEN,
	WALK_NO_OPEN,
	WALK_MODULE,
	WALK_MOUNT,
	WALK_MOVE,
	WALKS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALKS);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline struct walk *walk_in(__u32 slot)
{
	return bpf_map_lookup_elem(&walks, &slot);
}

/* word_of reads 8 bytes of a short name, from the dentry itself. */
static __always_inline __u64 word_of(struct dentry *d, __u32 at)
{
	struct dentry___shortname *s = (void *)d;
	const __u64 *words;
	__u64 word;

	/* Two unlike barriers, or clang loads both offsets, of which one does not exist. A text, if
	 * only a comment, would be a second line for one instruction, after which cilium/ebpf knows
	 * no more. */
	if (bpf_core_field_exists(s->d_shortname)) { /* 58cf9c383c5c, Linux 6.14 */
		word = s->d_shortname.words[at];
		asm volatile("" : "+r"(word));
	} else {
		words = (const void *)d->d_iname; /* as bytes clang would read them one by one */
		word = words[at];
		asm volatile("" : "+r"(word) : "i"(1));
	}
	return word;
}

/*
 * climb_mount collects the names up to the root of the file's own mount and
 * leaves the rest to finish_path; false if there are too many. The verifier
 * knows path as one, so that a step costs no call.
 */
static __always_inline bool climb_mount(struct walk *w, const struct path *path)
{
	struct dentry *d = path->dentry, *root = path->mnt->mnt_root;

	w->mnt = path->mnt;
	for (__u32 i = 0; i < DEPTH_MAX; i++) {
		struct dentry *parent = d->d_parent;

		if (d == root || d == parent) {
			w->steps = i;
			w->from = d;
			w->root = d;
			return true;
		}
		w->dentry[i] = d;
		w->name[i] = d->d_name.name;
		w->len_of[i] = d->d_name.len;
		w->front[i][0] = word_of(d, 0);
		w->front[i][1] = word_of(d, 1);
		d = parent;
	}
	return false;
}

/* climb_rest goes on, across mounts; false if there are too many steps. */
static __always_inline bool climb_rest(struct walk *w)
{
	struct vfsmount *vfs = w->mnt;
	struct mount *mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	struct dentry *d = w->from, *root = w->root;
	__u32 first = w->steps;

	for (__u32 i = 0; i < DEPTH_MAX; i++) {
		struct dentry *parent = d == root ? d : BPF_CORE_READ(d, d_parent);
		__u32 at = first + i;

		if (at >= DEPTH_MAX)
			return false;
		barrier_var(at); /* or clang computes the places below before it is checked */
		at &= DEPTH_MAX - 1;
		w->len_of[at] = 0;
		if (d == parent) {
			struct mount *up = BPF_CORE_READ(mnt, mnt_parent);

			w->dentry[at] = d;
			w->name[at] = NULL;
			if (up == mnt) {
				w->steps = at + 1;
				return true;
			}
			d = BPF_CORE_READ(mnt, mnt_mountpoint);
			root = BPF_CORE_READ(up, mnt.mnt_root);
			mnt = up;
			continue;
		}
		w->dentry[at] = d;
		w->name[at] = BPF_CORE_READ(d, d_name.name);
		d = parent;
	}
	return false;
}

/* spell_name writes a name and its NUL, and returns the length of both; not positive if it fails.
 */
static __always_inline long spell_name(__u8 *to, const struct walk *w, __u32 at)
{
	__u32 len = w->len_of[at];

	if (!len || len > SHORT_NAME)
		return bpf_probe_read_kernel_str(to, NAME_LEN, w->name[at]);
	((__u64 *)to)[0] = w->front[at][0];
	((__u64 *)to)[1] = w->front[at][1];
	return len + 1;
}

/* spell writes the path, from the root of the mount namespace down. */
static __always_inline void spell(struct walk *w)
{
	__u8 *out = w->key.path;
	__u32 used = 0;

	barrier_var(out); /* it goes on beyond key */
	out[0] = '/';
	out[1] = '\0';
	for (__u32 i = 1; i <= DEPTH_MAX; i++) {
		__u32 at = w->steps - i;
		long n;

		if (at >= DEPTH_MAX)
			break;
		if (!w->name[at])
			continue;
		if (used >= LONG_PATH - 1)
			break;
		barrier_var(used); /* or clang proves the mask useless and drops it */
		out[used & (LONG_PATH - 1)] = '/';
		n = spell_name(&out[(used & (LONG_PATH - 1)) + 1], w, at);
		if (n <= 0 || n > NAME_LEN)
			break;
		used += n; /* the slash and the name; the next slash replaces the NUL */
		barrier_var(used);
		used &= 2 * LONG_PATH - 1; /* no change; one range at every step for the verifier */
	}
	if (!used)
		used = 1; /* the root itself */
	w->len = used < LONG_PATH ? used : LONG_PATH - 1;
	w->key.bits = used < PATH_LEN ? (used + 1) * 8 : PATH_LEN * 8;
}

/*
 * finish_path climbs on and writes the path; 0 if it is too deep. It is global
 * because the verifier follows such a function once, and any other again for
 * each state it is called in. It can be given only numbers.
 */
__noinline int finish_path(__u32 slot)
{
	struct walk *w = walk_in(slot);

	if (!w || !climb_rest(w))
		return 0;
	spell(w);
	return 1;
}

/*
 * read_path writes the path from the root of the mount namespace down, so that
 * neither chroot nor a long tail hides its front. A path of LONG_PATH bytes or
 * more loses its tail; as a key one of PATH_LEN. False if it is too deep to climb.
 * direct: the verifier knows path as one.
 */
static __always_inline bool read_path(__u32 slot, const struct path *path, bool direct)
{
	struct walk *w = walk_in(slot);

	if (!w)
		return false; /* cannot be: a per-CPU array has all its values */
	w->len = 0;
	if (direct)
		return climb_mount(w, path) && finish_path(slot);
	w->steps = 0;
	w->from = BPF_CORE_READ(path, dentry);
	w->mnt = BPF_CORE_READ(path, mnt);
	w->root = BPF_CORE_READ(path, mnt, mnt_root);
	return finish_path(slot);
}
