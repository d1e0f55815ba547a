/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is learnt in the middle of a system call, until the record is sent at its end. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "path.h"

/* struct noter is a thread that is in a system call. */
struct noter {
	__u64 id;    /* tgid and tid */
	__u64 start; /* of the process, should the numbers be used again */
};

static __always_inline struct noter this_noter(void)
{
	struct noter n = {.id = bpf_get_current_pid_tgid()};
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		n.start = bpf_get_current_task_btf()->start_boottime;
	} else { /* before Linux 5.11 */
		task = (void *)bpf_get_current_task();
		n.start = BPF_CORE_READ(task, start_boottime);
	}
	return n;
}

/*
 * NOTES makes a table of notes, and an empty note: a note is filled in its place, as
 * it is too large for the stack. Nobody else does that: only its own thread. User
 * space makes the table small if no records of its class are wanted.
 */
#define NOTES(name_, type_)                                                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LRU_HASH);                                               \
		__uint(max_entries, 256);                                                          \
		__type(key, struct noter);                                                         \
		__type(value, type_);                                                              \
	} name_ SEC(".maps");                                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, type_);                                                              \
	} no_##name_ SEC(".maps")

/* note_in gives this thread's note, an empty one if there is none yet; NULL if that fails. */
static __always_inline void *note_in(void *notes, void *empty, const struct noter *who)
{
	void *note = bpf_map_lookup_elem(notes, who), *none;
	__u32 zero = 0;

	if (note)
		return note;
	none = bpf_map_lookup_elem(empty, &zero);
	if (!none || bpf_map_update_elem(notes, who, none, BPF_ANY))
		return NULL;
	return bpf_map_lookup_elem(notes, who);
}

#define NOTE(notes, who) note_in(&notes, &no_##notes, who)

/* note_path writes a path, of fewer than LONG_PATH bytes, and returns its length; 0 if it is too
 * deep. */
static __always_inline __u32 note_path(__u8 *to, __u32 slot, const struct path *path, bool direct)
{
	struct walk *w = walk_in(slot);
	__u32 n;

	if (!w || !read_path(slot, path, direct))
		return 0;
	n = w->len & (LONG_PATH - 1);
	bpf_probe_read_kernel(to, n, w->key.path);
	return n;
}
