/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What reaches into others' processes and changes what one sees: ptrace, namespaces, mounts. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "namespace.h"
#include "note.h"
#include "report.h"
#include "syscall.h"

static __always_inline int report_ptrace(__u64 request, __u32 target, long ret)
{
	struct ptrace_record r;
	struct counts *c;
	__u32 weight;

	if (request != PTRACE_ATTACH && request != PTRACE_SEIZE && request != PTRACE_TRACEME)
		return 0;
	if (is_other())
		return 0;
	c = my_counts();
	weight = wanted(c, CLASS_PTRACE, current_excluded(), true);
	if (!weight)
		return 0;
	begin_now(&r.head, CLASS_PTRACE, weight, ret);
	r.request = request;
	r.target = target;
	send(c, &r.head, sizeof(r), CLASS_PTRACE, true);
	return 0;
}

SEC("fexit")
int BPF_PROG(ptrace_fexit, struct pt_regs *regs, long ret)
{
	return report_ptrace(PT_REGS_PARM1_CORE_SYSCALL(regs), PT_REGS_PARM2_CORE_SYSCALL(regs),
			     ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(ptrace_kret, long ret)
{
	struct call_args args;

	return take_args(&args) ? report_ptrace(args.at[0], args.at[1], ret) : 0;
}

SEC("tracepoint")
int ptrace_tp(struct sys_exit *ctx)
{
	struct pt_regs *regs = user_regs();

	return report_ptrace(PT_REGS_PARM1_CORE_SYSCALL(regs), PT_REGS_PARM2_CORE_SYSCALL(regs),
			     ctx->ret);
}

/* struct ns_note is what is so when setns or unshare begins. */
struct ns_note {
	struct namespaces in;
	__u64 asked; /* CLONE_NEW* */
	__u32 call;  /* enum namespace_call */
	__u32 pad;
};

NOTES(ns_notes, struct ns_note);

static __always_inline int note_ns(enum namespace_call call, __u64 asked)
{
	struct ns_note note = {.asked = asked & CLONE_NEW_ANY, .call = call};
	struct noter who = this_noter();

	read_namespaces(&note.in, (void *)bpf_get_current_task());
	bpf_map_update_elem(&ns_notes, &who, &note, BPF_ANY);
	return 0;
}

/* NS_BEGINS: the programs where a call begins, one for each way. Argument ARG has the flags. */
#define NS_BEGINS(name_, CALL, ARG)                                                                \
	SEC("fentry")                                                                              \
	int BPF_PROG(name_##_fentry, struct pt_regs *regs)                                         \
	{                                                                                          \
		return note_ns(CALL, (__u32)PT_REGS_PARM##ARG##_CORE_SYSCALL(regs));               \
	}                                                                                          \
	SEC("kprobe")                                                                              \
	int BPF_KPROBE(name_##_kprobe, struct pt_regs *regs)                                       \
	{                                                                                          \
		return note_ns(CALL, (__u32)PT_REGS_PARM##ARG##_CORE_SYSCALL(regs));               \
	}                                                                                          \
	SEC("tracepoint")                                                                          \
	int name_##_tp(struct sys_enter *ctx)                                                      \
	{                                                                                          \
		return note_ns(CALL, (__u32)ctx->args[ARG - 1]);                                   \
	}

NS_BEGINS(setns, NAMESPACE_SETNS, 2)
NS_BEGINS(unshare, NAMESPACE_UNSHARE, 1)

/*
 * Of a call that succeeds counts what has changed, of one that is refused what it
 * asked for: setns may leave that to the descriptor. A call that changes no
 * namespace is no event.
 */
static __always_inline int report_ns(long ret)
{
	struct noter who = this_noter();
	struct ns_note *note = bpf_map_lookup_elem(&ns_notes, &who);
	struct namespaces now;
	__u32 call;
	__u64 flags;

	if (!note)
		return 0; /* it began before the programs were attached */
	call = note->call;
	if (ret < 0) {
		flags = note->asked;
	} else {
		read_namespaces(&now, (void *)bpf_get_current_task());
		flags = namespaces_differ(&note->in, &now);
	}
	bpf_map_delete_elem(&ns_notes, &who);
	if ((flags || (ret < 0 && call == NAMESPACE_SETNS)) && !is_other())
		report_namespaces(my_counts(), call, flags, ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(ns_fexit, struct pt_regs *regs, long ret)
{
	return report_ns(ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(ns_kret, long ret)
{
	return report_ns(ret);
}

SEC("tracepoint")
int ns_tp(struct sys_exit *ctx)
{
	return report_ns(ctx->ret);
}

#define DEVICE_MAX 1024
#define FSTYPE_MAX 64

struct mount_note {
	struct mount_record r;
	__u8 strings[2 * DEVICE_MAX + LONG_PATH];
};

NOTES(mount_notes, struct mount_note);

/* note_mount notes the kernel's own copies, of which the last cannot be a user's. */
static __always_inline void note_mount(const char *device, const char *type,
				       const struct path *target, __u64 flags, __u32 slot,
				       bool direct)
{
	struct noter who = this_noter();
	struct mount_note *note = NOTE(mount_notes, &who);
	__u32 used = 0;
	long n;

	if (!note)
		return;
	note->r.flags = flags;
	note->r.device_len = 0;
	note->r.type_len = 0;
	n = bpf_probe_read_kernel_str(note->strings, DEVICE_MAX, device);
	if (n > 0 && n <= DEVICE_MAX) {
		used = n - 1;
		note->r.device_len = used;
	}
	barrier_var(used);
	used &= DEVICE_MAX - 1;
	n = bpf_probe_read_kernel_str(note->strings + used, FSTYPE_MAX, type);
	if (n > 0 && n <= FSTYPE_MAX) {
		used += n - 1;
		note->r.type_len = n - 1;
	}
	barrier_var(used);
	used &= 2 * DEVICE_MAX - 1;
	note->r.target_len = note_path(note->strings + used, slot, target, direct);
}

SEC("fentry/security_sb_mount")
int BPF_PROG(mount_in_fentry, const char *device, const struct path *path, const char *type,
	     unsigned long flags)
{
	note_mount(device, type, path, flags, WALK_MOUNT, true);
	return 0;
}

SEC("kprobe/security_sb_mount")
int BPF_KPROBE(mount_in_kprobe, const char *device, const struct path *path, const char *type,
	       unsigned long flags)
{
	note_mount(device, type, path, flags, WALK_MOUNT, false);
	return 0;
}

/* note_move: a mount that is in a tree already is moved; one that is in none is new. */
static __always_inline int note_move(const struct path *from, const struct path *to, bool direct)
{
	struct vfsmount *vfs = BPF_CORE_READ(from, mnt);
	struct mount *mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	__u64 flags = BPF_CORE_READ(mnt, mnt_parent) == mnt ? 0 : MS_MOVE;

	note_mount(BPF_CORE_READ(mnt, mnt_devname), BPF_CORE_READ(vfs, mnt_sb, s_type, name), to,
		   flags, WALK_MOVE, direct);
	return 0;
}

SEC("fentry/security_move_mount")
int BPF_PROG(move_in_fentry, const struct path *from, const struct path *to)
{
	return note_move(from, to, true);
}

SEC("kprobe/security_move_mount")
int BPF_KPROBE(move_in_kprobe, const struct path *from, const struct path *to)
{
	return note_move(from, to, false);
}

/* report_mount reports what was noted, or else that there was a call with these flags. */
static __always_inline int report_mount(__u64 flags, long ret)
{
	struct mount_record plain = {.flags = flags};
	struct noter who = this_noter();
	struct mount_note *note;
	struct counts *c;
	__u32 weight, len;

	note = bpf_map_lookup_elem(&mount_notes, &who);
	if (is_other())
		goto out;
	c = my_counts();
	weight = wanted(c, CLASS_MOUNT, current_excluded(), true);
	if (!weight)
		goto out;
	if (!note) {
		begin_now(&plain.head, CLASS_MOUNT, weight, ret);
		send(c, &plain.head, sizeof(plain), CLASS_MOUNT, true);
		return 0;
	}
	begin_now(&note->r.head, CLASS_MOUNT, weight, ret);
	len = note->r.device_len + note->r.type_len + note->r.target_len;
	if (len <= sizeof(note->strings))
		send(c, &note->r.head, sizeof(note->r) + len, CLASS_MOUNT, true);
out:
	if (note)
		bpf_map_delete_elem(&mount_notes, &who);
	return 0;
}

/* mount_flags are without the number that they had to begin with in the last century. */
static __always_inline __u64 mount_flags(__u64 flags)
{
	return (flags & MS_MGC_MSK) == MS_MGC_VAL ? flags & ~(__u64)MS_MGC_MSK : flags;
}

SEC("fexit")
int BPF_PROG(mount_fexit, struct pt_regs *regs, long ret)
{
	return report_mount(mount_flags(PT_REGS_PARM4_CORE_SYSCALL(regs)), ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(mount_kret, long ret)
{
	struct call_args args;

	return take_args(&args) ? report_mount(mount_flags(args.at[3]), ret) : 0;
}

SEC("tracepoint")
int mount_tp(struct sys_exit *ctx)
{
	return report_mount(mount_flags(PT_REGS_PARM4_CORE_SYSCALL(user_regs())), ctx->ret);
}

/* The flags of move_mount(2) are others. */
SEC("fexit")
int BPF_PROG(move_fexit, struct pt_regs *regs, long ret)
{
	return report_mount(0, ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(move_kret, long ret)
{
	return report_mount(0, ret);
}

SEC("tracepoint")
int move_tp(struct sys_exit *ctx)
{
	return report_mount(0, ctx->ret);
}
