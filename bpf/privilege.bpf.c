/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Gains of rights, and attempts that the kernel refused. To give rights up is neither. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "syscall.h"

/* struct creds is what of a struct cred decides about rights. */
struct creds {
	__u64 effective;
	__u64 permitted;
	__u64 user_ns;
	__u32 uid, euid, fsuid;
	__u32 gid, egid, fsgid;
};

/* FILL_CREDS reads the fields with READ(from, field), and capabilities, 8 bytes, with READ8. */
#define FILL_CREDS(c, from, READ, READ8)                                                           \
	do {                                                                                       \
		(c)->effective = READ8(from, cap_effective);                                       \
		(c)->permitted = READ8(from, cap_permitted);                                       \
		(c)->user_ns = (__u64)READ(from, user_ns);                                         \
		(c)->uid = READ(from, uid.val);                                                    \
		(c)->euid = READ(from, euid.val);                                                  \
		(c)->fsuid = READ(from, fsuid.val);                                                \
		(c)->gid = READ(from, gid.val);                                                    \
		(c)->egid = READ(from, egid.val);                                                  \
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

static __always_inline void read_creds(struct creds *c, const struct cred *from)
{
	FILL_CREDS(c, from, BPF_CORE_READ, CAP_READ);
}

/*
 * id_gained tells whether going from one id to another gains its rights. Who
 * may become anyone (able), and who returns to the real id, gains nothing.
 */
static __always_inline bool id_gained(__u32 from, __u32 to, __u32 real, bool able)
{
	return to != from && from != 0 && (to == 0 || (to != real && !able));
}

static __always_inline void count_gains(const struct creds *old, const struct creds *new)
{
	bool root = old->euid == 0, same_ns = old->user_ns == new->user_ns;
	bool caps =
	    same_ns && ((new->effective & ~old->effective) || (new->permitted & ~old->permitted));
	bool able_uid = old->effective >> CAP_SETUID & 1;
	bool able_gid = old->effective >> CAP_SETGID & 1;
	bool uid_changed = new->euid != old->euid || new->fsuid != old->fsuid;
	bool uid, gid;
	struct counts *c;

	uid = (uid_changed && caps) || id_gained(old->euid, new->euid, old->uid, able_uid) ||
	      (new->fsuid != new->euid &&id_gained(old->fsuid, new->fsuid, old->uid, able_uid));
	gid = !root &&
	      (id_gained(old->egid, new->egid, old->gid, able_gid) ||
	       (new->fsgid != new->egid &&id_gained(old->fsgid, new->fsgid, old->gid, able_gid)));
	if ((!uid && !gid && !caps) || is_other())
		return;
	c = my_counts();
	if (uid)
		ADD(c, escalation[ESCALATION_SETUID][RESULT_SUCCESS], 1);
	if (gid)
		ADD(c, escalation[ESCALATION_SETGID][RESULT_SUCCESS], 1);
	if (!uid && !gid)
		ADD(c, escalation[ESCALATION_CAPSET][RESULT_SUCCESS], 1);
}

static __always_inline int commit(const struct cred *next)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct creds old, new;

	read_creds(&old, BPF_CORE_READ(task, cred));
	read_creds(&new, next);
	count_gains(&old, &new);
	return 0;
}

/* Every change of a task's own credentials ends here: set*id, capset, exec. */
SEC("fentry/commit_creds")
int BPF_PROG(cred_fentry, struct cred *next)
{
	struct creds old, new;
	struct task_struct *task;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return commit(next); /* before Linux 5.11 */
	task = bpf_get_current_task_btf();
	FILL_CREDS(&old, task->cred, DIRECT, CAP_DIRECT);
	FILL_CREDS(&new, next, DIRECT, CAP_DIRECT);
	count_gains(&old, &new);
	return 0;
}

SEC("kprobe/commit_creds")
int BPF_KPROBE(cred_kprobe, struct cred *next)
{
	return commit(next);
}

static __always_inline int refused(enum escalation family, long ret)
{
	struct counts *c;

	if (ret != -EPERM || is_other())
		return 0;
	c = my_counts();
	ADD(c, escalation[family][RESULT_FAILURE], 1);
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
		__u32 wanted;                                                                      \
                                                                                                   \
		return take_arg(&wanted) ? setfs_refused(FAMILY, wanted, now()) : 0;               \
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

	read_creds(&now, from);
	if (bpf_map_update_elem(&seen_creds, &tid, &now, BPF_ANY)) {
		struct counts *c = my_counts();

		ADD(c, untracked, 1);
	}
}

static __always_inline void compare_creds(__u32 tid, const struct cred *from)
{
	struct creds *old = bpf_map_lookup_elem(&seen_creds, &tid), now;

	if (old) {
		read_creds(&now, from);
		count_gains(old, &now);
	}
	see_creds(tid, from);
}

SEC("tracepoint")
int cred_tp(struct sys_exit *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	compare_creds((__u32)bpf_get_current_pid_tgid(), BPF_CORE_READ(task, cred));
	return 0;
}

/* A thread that execs takes the process's id as its own. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(cred_exec, struct task_struct *task, int old_pid)
{
	__u32 tid = task->pid, was = old_pid;
	struct creds *old = bpf_map_lookup_elem(&seen_creds, &was), now;

	if (old) {
		read_creds(&now, BPF_CORE_READ(task, cred));
		count_gains(old, &now);
	}
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
	read_creds(&now, BPF_CORE_READ(task, cred));
	bpf_map_update_elem(&seen_creds, &tid, &now, BPF_NOEXIST);
	return 0;
}
