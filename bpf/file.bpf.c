/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Opens of watched files. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.h"
#include "path.h"
#include "policy.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} file_scratch SEC(".maps");

/* may_be_watched is false for nearly every open. direct: the verifier knows d as a dentry. */
static __always_inline bool may_be_watched(struct dentry *d, bool direct)
{
	struct dentry *parent;

	if (passes(&watched_names, d, direct))
		return true;
	parent = direct ? d->d_parent : BPF_CORE_READ(d, d_parent);
	if (parent == d)
		return true; /* opened by handle it may have no name */
	for (int i = 0; i < DEPTH_MAX; i++) {
		d = parent;
		parent = direct ? d->d_parent : BPF_CORE_READ(d, d_parent);
		if (parent == d)
			return false;
		if (passes(&watched_dirs, d, direct))
			return true;
	}
	return true;
}

/* count_open counts an open of a file that the filter let through. */
static __always_inline int count_open(struct file *file, bool direct)
{
	__u32 zero = 0, mode = BPF_CORE_READ(file, f_mode);
	struct walk *w = bpf_map_lookup_elem(&file_scratch, &zero);
	struct counts *c = my_counts();
	enum operation op = OPERATION_READ;
	struct watch *found;
	__u8 level;

	if (!w || is_self() || is_other() || (mode & (FMODE_PATH | FMODE_NOACCOUNT)))
		return 0;
	found = find_watch(w, file, direct);
	if (!found)
		return 0;
	if ((mode & FMODE_WRITE) || (BPF_CORE_READ(file, f_flags) & O_TRUNC))
		op = OPERATION_WRITE;
	level = found->level[op];
	if (!level && (mode & FMODE_READ)) {
		op = OPERATION_READ;
		level = found->level[op];
	}
	if (level == SEVERITY_INFO + 1)
		ADD(c, file_access[SEVERITY_INFO][op & 1], 1);
	else if (level == SEVERITY_WARNING + 1)
		ADD(c, file_access[SEVERITY_WARNING][op & 1], 1);
	else if (level == SEVERITY_CRITICAL + 1)
		ADD(c, file_access[SEVERITY_CRITICAL][op & 1], 1);
	return 0;
}

SEC("fentry/security_file_open")
int BPF_PROG(open_fentry, struct file *file)
{
	/* A file with several names may be watched by another one. */
	if (!may_be_watched(file->f_path.dentry, true) && file->f_inode->i_nlink < 2 &&
	    ((__u64)file->f_path.mnt == host_root || !on_watched_mount(file->f_path.mnt)))
		return 0;
	return count_open(file, true);
}

static __always_inline int open_slow(struct file *file)
{
	struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);

	if (!may_be_watched(BPF_CORE_READ(file, f_path.dentry), false) &&
	    BPF_CORE_READ(file, f_inode, i_nlink) < 2 &&
	    ((__u64)vfs == host_root || !on_watched_mount(vfs)))
		return 0;
	return count_open(file, false);
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(open_kprobe, struct file *file)
{
	return open_slow(file);
}

/* At the exit of an open call the descriptor leads to the kernel's own file. */
SEC("tracepoint")
int open_exit(struct sys_exit *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (ctx->ret < 0 || ctx->ret >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + ctx->ret);
	return file ? open_slow(file) : 0;
}
