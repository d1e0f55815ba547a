/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is put into the kernel and taken out of it: modules and BPF. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "note.h"
#include "report.h"
#include "syscall.h"

struct module_note {
	struct module_record r;
	__u8 path[LONG_PATH];
};

NOTES(module_notes, struct module_note);

static __always_inline void report_module(struct counts *c, struct module_record *r,
					  enum module_action action, __u32 weight, long ret)
{
	__u32 path_len = r->path_len;

	if (path_len >= LONG_PATH)
		return; /* cannot be */
	begin_now(&r->head, CLASS_MODULE, weight, ret);
	r->action = action;
	send(c, &r->head, sizeof(*r) + path_len, CLASS_MODULE, true);
}

/* report_unnoted reports what nothing more is known of than the name, if that. */
static __always_inline void report_unnoted(struct counts *c, struct module *mod,
					   enum module_action action, __u32 weight, long ret)
{
	struct module_record r = {};

	if (mod)
		bpf_probe_read_kernel_str(r.name, sizeof(mod->name), mod->name);
	begin_now(&r.head, CLASS_MODULE, weight, ret);
	r.action = action;
	send(c, &r.head, sizeof(r), CLASS_MODULE, true);
}

/* count_module counts and reports. mod is NULL where it may have been noted. */
static __always_inline int count_module(enum module_action action, struct module *mod, long ret)
{
	struct counts *c = my_counts();
	struct module_note *note;
	struct noter who;
	__u32 weight;

	if (is_other())
		return 0;
	ADD(c, module[action][ret < 0 ? RESULT_FAILURE : RESULT_SUCCESS], 1);
	weight = wanted(c, CLASS_MODULE, current_excluded(), true);
	if (!(report_classes >> CLASS_MODULE & 1))
		return 0;
	who = this_noter();
	note = mod ? NULL : bpf_map_lookup_elem(&module_notes, &who);
	if (weight && note)
		report_module(c, &note->r, action, weight, ret);
	else if (weight)
		report_unnoted(c, mod, action, weight, ret);
	if (note)
		bpf_map_delete_elem(&module_notes, &who);
	return 0;
}

static __always_inline int note_module(struct module *mod)
{
	struct noter who = this_noter();
	struct module_note *note = NOTE(module_notes, &who);

	if (note)
		bpf_probe_read_kernel_str(note->r.name, sizeof(mod->name), mod->name);
	return 0;
}

/* Once it is in, but before its own code is run, which may fail. */
SEC("tp_btf/module_load")
int BPF_PROG(mod_name_load, struct module *mod)
{
	return note_module(mod);
}

SEC("tp_btf/module_free")
int BPF_PROG(mod_name_free, struct module *mod)
{
	return note_module(mod);
}

static __always_inline bool reads_module(__u32 what)
{
	if (bpf_core_enum_value_exists(enum kernel_read_file_id, READING_MODULE) &&
	    what == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE))
		return true;
	return bpf_core_enum_value_exists(enum kernel_read_file_id, READING_MODULE_COMPRESSED) &&
	       what == bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE_COMPRESSED);
}

static __always_inline int note_module_file(struct file *file, __u32 what, bool direct)
{
	struct noter who = this_noter();
	struct module_note *note;

	if (!reads_module(what))
		return 0;
	note = NOTE(module_notes, &who);
	if (!note)
		return 0;
	note->r.name[0] = '\0';
	note->r.path_len = note_path(note->path, WALK_MODULE, &file->f_path, direct);
	return 0;
}

/* The file that is read, whatever its descriptor leads to by now. */
SEC("fentry/security_kernel_read_file")
int BPF_PROG(mod_file_fentry, struct file *file, __u32 what)
{
	return note_module_file(file, what, true);
}

SEC("kprobe/security_kernel_read_file")
int BPF_KPROBE(mod_file_kprobe, struct file *file, __u32 what)
{
	return note_module_file(file, what, false);
}

/* One program a call and way: fexit and kretprobe of the call itself tax no other one. */
#define MODULE(call, ACTION)                                                                       \
	SEC("fexit")                                                                               \
	int BPF_PROG(call##_fexit, struct pt_regs *regs, long ret)                                 \
	{                                                                                          \
		return count_module(ACTION, NULL, ret);                                            \
	}                                                                                          \
	SEC("kretprobe")                                                                           \
	int BPF_KRETPROBE(call##_kret, long ret)                                                   \
	{                                                                                          \
		return count_module(ACTION, NULL, ret);                                            \
	}                                                                                          \
	SEC("tracepoint")                                                                          \
	int call##_tp(struct sys_exit *ctx)                                                        \
	{                                                                                          \
		return count_module(ACTION, NULL, ctx->ret);                                       \
	}

MODULE(mod_init, MODULE_LOAD)
MODULE(mod_finit, MODULE_LOAD_FILE)
MODULE(mod_del, MODULE_UNLOAD)

/*
 * Where the calls cannot be hooked: what came of them, without the failures.
 * An unload is told from a load that failed late by the syscall that is running.
 */
static __always_inline long syscall_number(void)
{
	struct pt_regs *regs = user_regs();

#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, orig_ax);
#else
	return BPF_CORE_READ(regs, syscallno);
#endif
}

const volatile long nr_init_module = 0;
const volatile long nr_finit_module = 0;
const volatile long nr_delete_module = 0;

SEC("tp_btf/module_load")
int BPF_PROG(mod_load_tp, struct module *mod)
{
	long nr = syscall_number();

	if (nr == nr_init_module)
		return count_module(MODULE_LOAD, mod, 0);
	if (nr == nr_finit_module)
		return count_module(MODULE_LOAD_FILE, mod, 0);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(mod_free_tp, struct module *mod)
{
	if (syscall_number() == nr_delete_module)
		return count_module(MODULE_UNLOAD, mod, 0);
	return 0;
}

struct bpf_note {
	__u8 name[BPF_NAME_LEN];
	__u32 type;
	__u32 id;
};

NOTES(bpf_notes, struct bpf_note);

static __always_inline void read_bpf(struct bpf_note *to, struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);

	to->type = BPF_CORE_READ(prog, type);
	to->id = BPF_CORE_READ(aux, id);
	bpf_probe_read_kernel(to->name, sizeof(to->name), aux->name);
}

static __always_inline int note_bpf(struct bpf_prog *prog)
{
	struct noter who = this_noter();
	struct bpf_note note;

	read_bpf(&note, prog);
	bpf_map_update_elem(&bpf_notes, &who, &note, BPF_ANY);
	return 0;
}

/* Asked for every program that is to have a descriptor, when it has all but that. */
SEC("fentry/security_bpf_prog")
int BPF_PROG(bpf_prog_fentry, struct bpf_prog *prog)
{
	return note_bpf(prog);
}

SEC("kprobe/security_bpf_prog")
int BPF_KPROBE(bpf_prog_kprobe, struct bpf_prog *prog)
{
	return note_bpf(prog);
}

/* program_at gives the program that a descriptor of the current task leads to. */
static __always_inline struct bpf_prog *program_at(long fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	struct bpf_prog *prog;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	if (!file)
		return NULL;
	prog = BPF_CORE_READ(file, private_data);
	return prog && BPF_CORE_READ(prog, aux, prog) == prog ? prog : NULL;
}

static __always_inline void report_bpf(struct counts *c, const struct bpf_note *note, long ret)
{
	__u32 weight = wanted(c, CLASS_BPF, current_excluded(), true);
	struct bpf_record r = {};
	struct bpf_note found = {};
	struct bpf_prog *prog;

	if (!weight)
		return;
	if (ret >= 0 && note) {
		found = *note;
	} else if (ret >= 0) {
		prog = program_at(ret);
		if (prog)
			read_bpf(&found, prog);
	}
	begin_now(&r.head, CLASS_BPF, weight, ret);
	__builtin_memcpy(r.name, found.name, sizeof(r.name));
	r.type = found.type;
	r.id = found.id;
	send(c, &r.head, sizeof(r), CLASS_BPF, true);
}

static __always_inline int count_bpf(long cmd, long ret)
{
	enum result result = ret < 0 ? RESULT_FAILURE : RESULT_SUCCESS;
	struct bpf_note *note = NULL;
	struct noter who;
	struct counts *c;

	if (is_self() || is_other())
		return 0;
	c = my_counts();
	if (report_classes >> CLASS_BPF & 1) {
		who = this_noter();
		note = bpf_map_lookup_elem(&bpf_notes, &who);
	}
	switch (cmd) {
	case BPF_PROG_LOAD:
		ADD(c, bpf[COMMAND_PROG_LOAD][result], 1);
		report_bpf(c, note, ret);
		break;
	case BPF_MAP_CREATE:
		ADD(c, bpf[COMMAND_MAP_CREATE][result], 1);
		break;
	case BPF_PROG_ATTACH:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_LINK_CREATE:
		ADD(c, bpf[COMMAND_ATTACH][result], 1);
		break;
	}
	if (note)
		bpf_map_delete_elem(&bpf_notes, &who);
	return 0;
}

SEC("fexit")
int BPF_PROG(bpf_fexit, struct pt_regs *regs, long ret)
{
	return count_bpf((__u32)PT_REGS_PARM1_CORE_SYSCALL(regs), ret);
}

SEC("kretprobe")
int BPF_KRETPROBE(bpf_kret, long ret)
{
	struct call_args args;

	return take_args(&args) ? count_bpf((__u32)args.at[0], ret) : 0;
}

SEC("tracepoint")
int bpf_tp(struct sys_exit *ctx)
{
	return count_bpf((__u32)PT_REGS_PARM1_CORE_SYSCALL(user_regs()), ctx->ret);
}
