/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Records of events for user space, and the ledger of what became of each event. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "maps.h"
#include "who.h"

/* A bit for each class of which records are wanted; the verifier drops the rest. */
const volatile __u32 report_classes = 0;

/* Which filters there are. */
enum filter_kind {
	FILTER_EXECUTABLE = 1,
	FILTER_USER = 2,
	FILTER_PATH = 4,
	FILTER_PEER = 8,
	ONLY_EXECUTABLE = 16, /* what is in no list of this kind is kept out */
	ONLY_USER = 32,
	ONLY_PATH = 64,
	ONLY_PEER = 128,
};

const volatile enum filter_kind filters = 0;

/* What is said about an entry of a filter. */
enum filter_entry {
	ENTRY_EXCLUDE = 1,
	ENTRY_ONLY = 2,
};

/* One record in so many; 0 and 1: every one. Set while running. */
volatile __u32 sample_rate[CLASSES] = {};

/* A reader is woken when a ring holds as much; and looks from time to time. */
const volatile __u64 wake_normal = 1;
const volatile __u64 wake_low = 1;

/* One ring for each priority: a flood in one pushes nothing out of another. */
#define RING(name)                                                                                 \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                \
		__uint(max_entries, 4096);                                                         \
		__type(value, union record);                                                       \
	} name SEC(".maps")

RING(ring_high);
RING(ring_normal);
RING(ring_low);

/* user_filters, by effective user id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, enum filter_entry);
} user_filters SEC(".maps");

#define PATH_FILTER(name)                                                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                                               \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, 1024);                                                         \
		__type(key, struct path_key);                                                      \
		__type(value, enum filter_entry);                                                  \
	} name SEC(".maps")

PATH_FILTER(executable_filters);
PATH_FILTER(path_filters);

/* struct peer_key is an address, IPv4 as v4-mapped, or the front of one, for an LPM trie. */
struct peer_key {
	__u32 bits;
	__u8 addr[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct peer_key);
	__type(value, enum filter_entry);
} peer_filters SEC(".maps");

static __always_inline bool out_by(const enum filter_entry *entry, __u32 only)
{
	if (entry && (*entry & ENTRY_EXCLUDE))
		return true;
	return (filters & only) && !(entry && (*entry & ENTRY_ONLY));
}

static __always_inline bool path_excluded(const struct path_key *key)
{
	return (filters & (FILTER_PATH | ONLY_PATH)) &&
	       out_by(bpf_map_lookup_elem(&path_filters, key), ONLY_PATH);
}

static __always_inline bool executable_excluded(const struct path_key *key)
{
	return (filters & (FILTER_EXECUTABLE | ONLY_EXECUTABLE)) &&
	       out_by(bpf_map_lookup_elem(&executable_filters, key), ONLY_EXECUTABLE);
}

static __always_inline bool peer_excluded(const void *addr)
{
	struct peer_key key = {.bits = 128};

	if (!(filters & (FILTER_PEER | ONLY_PEER)))
		return false;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return out_by(bpf_map_lookup_elem(&peer_filters, &key), ONLY_PEER);
}

/* actor_excluded tells whether nothing is to be reported of a user or an executable. */
static __always_inline bool actor_excluded(__u32 tgid, __u32 euid)
{
	struct process *p;

	if ((filters & (FILTER_USER | ONLY_USER)) &&
	    out_by(bpf_map_lookup_elem(&user_filters, &euid), ONLY_USER))
		return true;
	if (!(filters & (FILTER_EXECUTABLE | ONLY_EXECUTABLE)))
		return false;
	p = bpf_map_lookup_elem(&processes, &tgid);
	return p && p->excluded;
}

static __always_inline bool current_excluded(void)
{
	struct task_struct *task;

	if (!(filters & (FILTER_USER | ONLY_USER | FILTER_EXECUTABLE | ONLY_EXECUTABLE)))
		return false;
	task = (void *)bpf_get_current_task();
	return actor_excluded(bpf_get_current_pid_tgid() >> 32,
			      BPF_CORE_READ(task, cred, euid.val));
}

/* now_suspicious tells whether the current process is. */
static __always_inline bool now_suspicious(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct process *p = bpf_map_lookup_elem(&processes, &tgid);

	return p && p->type == PROCESS_SUSPICIOUS;
}

static __always_inline bool is_sampled(enum class class)
{
	return sample_rate[class] >= 2;
}

/*
 * wanted counts an event and tells how many the record of it is to stand for, 0
 * if there is to be none. Those of high priority are never sampled.
 */
static __always_inline __u32 wanted(struct counts *c, enum class class, bool excluded, bool high)
{
	__u32 rate;

	if (!c)
		return 0; /* cannot be */
	ADD(c, ledger.observed[class], 1);
	if (!(report_classes >> class & 1) || excluded) {
		ADD(c, ledger.filtered[class], 1);
		return 0;
	}
	rate = sample_rate[class];
	if (high || rate < 2)
		return 1;
	if ((__u64)bpf_get_prandom_u32() * rate >> 32) {
		ADD(c, ledger.sampled[class], 1);
		return 0;
	}
	return rate;
}

/* begin fills the head of a record, but for who did it. */
static __always_inline void begin(struct head *h, enum class class, __u32 weight, long ret)
{
	h->time = bpf_ktime_get_ns();
	h->class = class;
	h->cpu = bpf_get_smp_processor_id();
	h->weight = weight;
	h->error = ret < 0 ? -ret : 0;
	h->pad = 0;
}

/* begin_now begins the record of something that the current task did. */
static __always_inline void begin_now(struct head *h, enum class class, __u32 weight, long ret)
{
	begin(h, class, weight, ret);
	who_now(&h->who);
}

static __always_inline __u64 wake(void *ring, __u64 at)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= at ? BPF_RB_FORCE_WAKEUP
								: BPF_RB_NO_WAKEUP;
}

/* send hands a record over, size bytes that begin with head, or counts it as lost. */
static __always_inline void send(struct counts *c, struct head *h, __u64 size, enum class class,
				 bool high)
{
	long err;

	h->seq = c->ledger.seq[class];
	ADD(c, ledger.seq[class], 1);
	if (high)
		err = bpf_ringbuf_output(&ring_high, h, size, 0);
	else if (class == CLASS_FILE_OPEN)
		err = bpf_ringbuf_output(&ring_low, h, size, wake(&ring_low, wake_low));
	else
		err = bpf_ringbuf_output(&ring_normal, h, size, wake(&ring_normal, wake_normal));
	if (err)
		ADD(c, ledger.lost[class], 1);
}
