/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Changes of rights, and attempts that the kernel refused. Only gains are counted: to give rights
 * up is none.
 */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cast.h"
#include "event.h"
#include "maps.h"
#include "report.h"
#include "syscall.h"

struct creds {
	struct ids ids;
	__u64 user_ns;
};

/* struct change is one of credentials, and the record of it. */
struct change {
	struct privilege_record r;
	__u64 old_ns, new_ns; /* of users */
};

/* FILL_CREDS reads the fields with READ(from, field), and capabilities, 8 bytes, with READ8. */
#define FILL_CREDS(c, ns, from, READ, READ8)                                                       \
	do {                                                                                       \
		(c)->effective = READ8(from, cap_effective);                                       \
		(c)->permitted = READ8(from, cap_permitted);                                       \
		*(ns) = (__u64)READ(from, user_ns);                                                \
		(c)->uid = READ(from, uid.val);                                                    \
		(c)->euid = READ(from, euid.val);                                                  \
		(c)->suid = READ(from, suid.val);                                                  \
		(c)->fsuid = READ(from, fsuid.val);                                                \
		(c)->gid = READ(from, gid.val);                                                    \
		(c)->egid = READ(from, egid.val);                                                  \
		(c)->sgid = READ(from, sgid.val);                                                  \
		(c)->fsgid = READ(from, fsgid.val);                                                \
	} while (0)

#define CAP_READ(from, field)                                                                      \
	({                                                                                         \
		__u64 cap_ = 0;                                                                    \
		bpf_core_read(&cap_, sizeof(cap_), &(from)->field);                                \
		cap_;                                                                              \
	})
#define DIRECT(from, field) ((from)->field)
#define CAP_DIRECT(from, field)                                                                    \
	(*(__u64 *)((void *)(from) + bpf_core_field_offset(struct cred, field)))

static __always_inline void read_creds(struct ids *ids, __u64 *user_ns, const struct cred *from)
{
	if (CAN_CAST)
		FILL_CREDS(ids, user_ns, CAST(struct cred, from), DIRECT, CAP_DIRECT);
	else
		FILL_CREDS(ids, user_ns, from, BPF_CORE_READ, CAP_READ);
}

/*
 * id_gained tells whether going from one id to another gains its rights. Who
 * may become anyone (able), and who returns to the real id, gains nothing.
 */
static __always_inline bool id_gained(__u32 from, __u32 to, __u32 real, bool able)
{
	return to != from && from != 0 && (to == 0 || (to != real && !able));
}

/* count_gains counts what rights are gained, and tells of it in the record. */
static __always_inline void count_gains(struct counts *c, struct change *ch)
{
	const struct ids *old = &ch->r.old, *new = &ch->r.new;
	bool root = old->euid == 0, same_ns = ch->old_ns == ch->new_ns;
	bool caps =
	    same_ns && ((new->effective & ~old->effective) || (new->permitted & ~old->permitted));
	bool able_uid = old->effective >> CAP_SETUID & 1;
	bool able_gid = old->effective >> CAP_SETGID & 1;
	bool uid_changed = new->euid != old->euid || new->fsuid != old->fsuid;
	bool uid, gid;

	uid = (uid_changed && caps) || id_gained(old->euid, new->euid, old->uid, able_uid) ||
	      (new->fsuid != new->euid &&id_gained(old->fsuid, new->fsuid, old->uid, able_uid));
	gid = !root &&
	      (id_gained(old->egid, new->egid, old->gid, able_gid) ||
	       (new->fsgid != new->egid &&id_gained(old->fsgid, new->fsgid, old->gid, able_gid)));
	ch->r.gained = uid || gid || caps;
	if (uid)
		ADD(c, escalation[ESCALATION_SETUID][RESULT_SUCCESS], 1);
	if (gid)
		ADD(c, escalation[ESCALATION_SETGID][RESULT_SUCCESS], 1);
	if (caps && !uid && !gid)
		ADD(c, escalation[ESCALATION_CAPSET][RESULT_SUCCESS], 1);
	if (!ch->r.gained) {
		uid = uid_changed || new->uid != old->uid || new->suid != old->suid;
		gid = new->gid != old->gid || new->egid != old->egid || new->sgid != old->sgid ||
		      new->fsgid != old->fsgid;
	}
	ch->r.family = uid ? ESCALATION_SETUID : gid ? ESCALATION_SETGID : ESCALATION_CAPSET;
}

static __always_inline bool differ(const struct change *ch)
{
	const __u64 *old = (void *)&ch->r.old, *new = (void *)&ch->r.new;
	__u64 bits = ch->old_ns ^ ch->new_ns;

	for (__u32 i = 0; i < sizeof(struct ids) / 8; i++)
		bits |= old[i] ^ new[i];
	return bits;
}

/* changed counts and reports a change of the current task's credentials, of which old and new are
 * filled. */
static __always_inline int changed(struct change *ch)
{
	struct who *who = &ch->r.head.who;
	struct counts *c;
	__u32 weight;

	if (!differ(ch) || is_other())
		return 0;
	c = my_counts();
	count_gains(c, ch);
	weight = wanted(c, CLASS_PRIVILEGE, current_excluded(), true);
	if (!weight)
		return 0;
	begin_now(&ch->r.head, CLASS_PRIVILEGE, weight, 0);
	who->uid = ch->r.old.uid; /* who did it, as who that was then */
	who->euid = ch->r.old.euid;
	who->gid = ch->r.old.gid;
	who->egid = ch->r.old.egid;
	send(c, &ch->r.head, sizeof(ch->r), CLASS_PRIVILEGE, true);
	return 0;
}

static __always_inline int commit(const struct cred *next)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct change ch;

	read_creds(&ch.r.old, &ch.old_ns, BPF_CORE_READ(task, cred));
	read_creds(&ch.r.new, &ch.new_ns, next);
	return changed(&ch);
}

/* Every change of a task's own credentials ends here: set*id, capset, exec. */
SEC("fentry/commit_creds")
int BPF_PROG(cred_fentry, struct cred *next)
{
	struct task_struct *task;
	struct change ch;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return commit(next); /* before Linux 5.11 */
	task = bpf_get_current_task_btf();
	FILL_CREDS(&ch.r.old, &ch.old_ns, task->cred, DIRECT, CAP_DIRECT);
	FILL_CREDS(&ch.r.new, &ch.new_ns, next, DIRECT, CAP_DIRECT);
	return changed(&ch);
}

SEC("kprobe/commit_creds")
int BPF_KPROBE(cred_kprobe, struct cred *next)
{
	return commit(next);
}

static __always_inline int refused(enum escalation family, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct privilege_record r;
	struct counts *c;
	__u64 user_ns;
	__u32 weight;

	if (ret != -EPERM || is_other())
		return 0;
	c = my_counts();
	ADD(c, escalation[family][RESULT_FAILURE], 1);
	weight = wanted(c, CLASS_PRIVILEGE, current_excluded(), true);
	if (!weight)
		return 0;
	begin_now(&r.head, CLASS_PRIVILEGE, weight, ret);
	read_creds(&r.old, &user_ns, BPF_CORE_READ(task, cred));
	r.new = r.old;
	r.family = family;
	r.gained = 0;
	send(c, &r.head, sizeof(r), CLASS_PRIVILEGE, true);
	return 0;
}

/* setfs_refused: setfsuid and setfsgid return the id as it was, refused or not. */
static __always_inline int setfs_refused(enum escalation family, __u32 wanted, __u32 is)
{
	if (wanted == is || wanted == (__u32)-1)
		return 0;
	return refused(family, -EPERM);
}

static __always_inline __u32 fsuid_now(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, cred, fsuid.val);
}

static __always_inline __u32 fsgid_now(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, cred, fsgid.val);
}

/* One program a family and way; user space attaches each to all calls of the family. */
#define REFUSED(family_, FAMILY)                                                                   \
	SEC("fexit")                                                                               \
	int BPF_PROG(no_##family_##_fexit, struct pt_regs *regs, long ret)                         \
	{                                                                                          \
		return refused(FAMILY, ret);                                                       \
	}                                                                                          \
	SEC("kretprobe")                                                                           \
	int BPF_KRETPROBE(no_##family_##_kret, long ret)                                           \
	{                                                                                          \
		return refused(FAMILY, ret);                                                       \
	}                                                                                          \
	SEC("tracepoint")                                                                          \
	int no_##family_##_tp(struct sys_exit *ctx)                                                \
	{                                                                                          \
		return refused(FAMILY, ctx->ret);                                                  \
	}

REFUSED(uid, ESCALATION_SETUID)
REFUSED(gid, ESCALATION_SETGID)
REFUSED(cap, ESCALATION_CAPSET)

#define SETFS_REFUSED(id_, FAMILY, now)                                                            \
	SEC("fexit")                                                                               \
	int BPF_PROG(no_fs##id_##_fexit, struct pt_regs *regs, long ret)                           \
	{                                                                                          \
		return setfs_refused(FAMILY, PT_REGS_PARM1_CORE_SYSCALL(regs), now());             \
	}                                                                                          \
	SEC("kretprobe")                                                                           \
	int no_fs##id_##_kret(struct pt_regs *ctx)                                                 \
	{                                                                                          \
		struct call_args args;                                                             \
                                                                                                   \
		return take_args(&args) ? setfs_refused(FAMILY, args.at[0], now()) : 0;            \
	}                                                                                          \
	SEC("tracepoint")                                                                          \
	int no_fs##id_##_tp(struct sys_exit *ctx)                                                  \
	{                                                                                          \
		return setfs_refused(FAMILY, PT_REGS_PARM1_CORE_SYSCALL(user_regs()), now());      \
	}

SETFS_REFUSED(uid, ESCALATION_SETUID, fsuid_now)
SETFS_REFUSED(gid, ESCALATION_SETGID, fsgid_now)

/*
 * Where commit_creds cannot be hooked: the credentials of every task as last
 * seen, compared after each call that may change them, and after exec.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct creds);
} seen_creds SEC(".maps");

static __always_inline void see_creds(__u32 tid, const struct cred *from)
{
	struct creds now;

	read_creds(&now.ids, &now.user_ns, from);
	if (bpf_map_update_elem(&seen_creds, &tid, &now, BPF_ANY)) {
		struct counts *c = my_counts();

		ADD(c, untracked, 1);
	}
}

/* compare_creds compares the current task's credentials with those seen last of a thread. */
static __always_inline void compare_creds(__u32 tid, const struct cred *from)
{
	struct creds *old = bpf_map_lookup_elem(&seen_creds, &tid);
	struct change ch;

	if (!old)
		return;
	ch.r.old = old->ids;
	ch.old_ns = old->user_ns;
	read_creds(&ch.r.new, &ch.new_ns, from);
	changed(&ch);
}

SEC("tracepoint")
int cred_tp(struct sys_exit *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	__u32 tid = bpf_get_current_pid_tgid();

	compare_creds(tid, BPF_CORE_READ(task, cred));
	see_creds(tid, BPF_CORE_READ(task, cred));
	return 0;
}

/* A thread that execs takes the process's id as its own. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(cred_exec, struct task_struct *task, int old_pid)
{
	__u32 tid = task->pid, was = old_pid;

	compare_creds(was, BPF_CORE_READ(task, cred));
	if (was != tid)
		bpf_map_delete_elem(&seen_creds, &was);
	see_creds(tid, BPF_CORE_READ(task, cred));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(cred_fork, struct task_struct *parent, struct task_struct *child)
{
	see_creds(child->pid, BPF_CORE_READ(child, cred));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(cred_exit, struct task_struct *task)
{
	__u32 tid = task->pid;

	bpf_map_delete_elem(&seen_creds, &tid);
	return 0;
}

SEC("iter/task")
int cred_known(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct creds now;
	__u32 tid;

	if (!task)
		return 0;
	tid = task->pid;
	read_creds(&now.ids, &now.user_ns, BPF_CORE_READ(task, cred));
	bpf_map_update_elem(&seen_creds, &tid, &now, BPF_NOEXIST);
	return 0;
}
