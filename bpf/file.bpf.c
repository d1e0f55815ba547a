/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Opens of watched files. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cast.h"
#include "event.h"
#include "maps.h"
#include "path.h"
#include "policy.h"
#include "report.h"
#include "task.h"

struct file_scratch {
	struct two_names two;
	__u32 pad;
	struct file_record r;
	__u8 path[LONG_PATH]; /* of r */
};

/* Of the programs that use it only one serves. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_scratch);
} file_scratch SEC(".maps");

/* What has no name in any directory: an anonymous file, as a pipe or a pidfd. */
#define SB_NOUSER (1UL << 31)

/* may_be_watched is false for nearly every open. direct: the verifier knows d as a dentry. */
static __always_inline bool may_be_watched(struct dentry *d, bool direct)
{
	struct dentry *parent;

	if (passes(&watched_names, d, direct))
		return true;
	parent = direct ? d->d_parent : BPF_CORE_READ(d, d_parent);
	if (parent == d) /* opened by handle it may have no name */
		return !((direct ? d->d_sb->s_flags : BPF_CORE_READ(d, d_sb, s_flags)) & SB_NOUSER);
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

/* send_open sends the record of an open of the path in w. */
static __always_inline void send_open(struct counts *c, struct file_scratch *s, struct walk *w,
				      __u32 weight, long ret)
{
	__u32 n = w->len & (LONG_PATH - 1);

	begin_now(&s->r.head, CLASS_FILE_OPEN, weight, ret);
	bpf_probe_read_kernel(s->path, n, w->key.path);
	s->r.path_len = n;
	send(c, &s->r.head, sizeof(s->r) + n, CLASS_FILE_OPEN, false);
}

/* level_of gives severity + 1 of an open with this mode, 0 if it is not watched, and as what it
 * counts. */
static __always_inline __u8 level_of(const struct watch *found, __u32 mode, bool truncates,
				     enum operation *op)
{
	__u8 level;

	*op = (mode & FMODE_WRITE) || truncates ? OPERATION_WRITE : OPERATION_READ;
	level = found->level[*op & 1];
	if (!level && (mode & FMODE_READ)) {
		*op = OPERATION_READ;
		level = found->level[OPERATION_READ];
	}
	return level;
}

/* count_open counts an open of a file that the filter let through. */
static __always_inline int count_open(struct file *file, bool direct)
{
	__u32 zero = 0, mode = direct ? file->f_mode : BPF_CORE_READ(file, f_mode), flags, weight;
	struct file_scratch *s = bpf_map_lookup_elem(&file_scratch, &zero);
	struct walk *w = walk_in(WALK_OPEN);
	struct counts *c = my_counts();
	enum operation op;
	struct inode_key key;
	struct watch *found;
	bool excluded;
	__u8 level;

	if (!s || !w || is_self() || is_other() || (mode & (FMODE_PATH | FMODE_NOACCOUNT)))
		return 0;
	found = find_watch(w, &s->two, file, direct);
	if (!found)
		return 0;
	flags = direct ? file->f_flags : BPF_CORE_READ(file, f_flags);
	level = level_of(found, mode, flags & O_TRUNC, &op);
	if (level == SEVERITY_INFO + 1)
		ADD(c, file_access[SEVERITY_INFO][op & 1], 1);
	else if (level == SEVERITY_WARNING + 1)
		ADD(c, file_access[SEVERITY_WARNING][op & 1], 1);
	else if (level == SEVERITY_CRITICAL + 1)
		ADD(c, file_access[SEVERITY_CRITICAL][op & 1], 1);
	else
		return 0;
	excluded = path_excluded(&w->key) || current_excluded();
	weight =
	    wanted(c, CLASS_FILE_OPEN, excluded, is_sampled(CLASS_FILE_OPEN) && now_suspicious());
	if (!weight)
		return 0;
	key = inode_of(direct ? file->f_inode : BPF_CORE_READ(file, f_inode), direct);
	s->r.inode = key.inode;
	s->r.dev = key.dev;
	s->r.flags = flags;
	s->r.severity = level - 1;
	s->r.operation = op;
	send_open(c, s, w, weight, 0);
	return 0;
}

/* open_known: the verifier knows file as one. */
static __always_inline int open_known(struct file *file)
{
	/* A file with several names may be watched by another one. */
	if (!may_be_watched(file->f_path.dentry, true) && file->f_inode->i_nlink < 2 &&
	    ((__u64)file->f_path.mnt == host_root || !on_watched_mount(file->f_path.mnt)))
		return 0;
	return count_open(file, true);
}

SEC("fentry/security_file_open")
int BPF_PROG(open_fentry, struct file *file)
{
	return open_known(file);
}

static __always_inline int open_slow(struct file *file)
{
	struct vfsmount *vfs;

	if (CAN_CAST)
		return open_known(CAST(struct file, file));
	vfs = BPF_CORE_READ(file, f_path.mnt);
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
	struct file *file;

	if (ctx->ret < 0)
		return 0;
	file = opened((void *)bpf_get_current_task(), ctx->ret);
	return file ? open_slow(file) : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_scratch);
} failed_scratch SEC(".maps");

/* Where a relative name begins. */
static __always_inline bool read_base(int dfd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *dir;

	if (dfd == AT_FDCWD)
		return read_path(WALK_NO_OPEN, &fs->pwd, false);
	dir = opened(task, dfd);
	return dir && read_path(WALK_NO_OPEN, &dir->f_path, false);
}

/*
 * read_wanted writes the path of a file that was to be opened, from the kernel's
 * copy of its name. Links and ".." in it are not resolved: it may not be there.
 */
static __always_inline bool read_wanted(struct walk *w, int dfd, struct filename *filename)
{
	const char *name = BPF_CORE_READ(filename, name);
	__u8 *out = w->key.path, first = 0;
	__u32 used = 0;
	long n;

	bpf_probe_read_kernel(&first, 1, name);
	if (!first)
		return false;
	if (first != '/') {
		if (!read_base(dfd) || w->len >= PATH_LEN)
			return false;
		used = w->len & (PATH_LEN - 1);
		barrier_var(out);
		out[used & (PATH_LEN - 1)] = '/';
		if (used > 1) /* not the root itself */
			used++;
	}
	barrier_var(out);
	barrier_var(used);
	n = bpf_probe_read_kernel_str(&out[used & (2 * PATH_LEN - 1)], LONG_PATH - 2 * PATH_LEN,
				      name);
	if (n <= 1)
		return false;
	used += n - 1;
	w->len = used & (LONG_PATH - 1);
	w->key.bits = used < PATH_LEN ? (used + 1) * 8 : PATH_LEN * 8;
	return true;
}

/* open_failed: opens of watched files that came to nothing; not counted, only reported. */
static __always_inline int open_failed(int dfd, struct filename *name, const struct open_flags *how,
				       long ret)
{
	__u32 zero = 0, flags = BPF_CORE_READ(how, open_flag), weight;
	struct file_scratch *s = bpf_map_lookup_elem(&failed_scratch, &zero);
	struct walk *w = walk_in(WALK_NO_OPEN);
	struct counts *c = my_counts();
	bool excluded;
	enum operation op;
	struct watch *found;
	__u8 level;

	if (!s || !w || is_self() || is_other() || (flags & (O_PATH | FMODE_EXEC)))
		return 0;
	if (!read_wanted(w, dfd, name))
		return 0;
	found = bpf_map_lookup_elem(&watched_paths, &w->key);
	if (!found)
		return 0;
	level = level_of(found, (flags + 1) & (FMODE_READ | FMODE_WRITE), flags & O_TRUNC, &op);
	if (!level)
		return 0;
	excluded = path_excluded(&w->key) || current_excluded();
	weight =
	    wanted(c, CLASS_FILE_OPEN, excluded, is_sampled(CLASS_FILE_OPEN) && now_suspicious());
	if (!weight)
		return 0;
	s->r.inode = 0;
	s->r.dev = 0;
	s->r.flags = flags;
	s->r.severity = level - 1;
	s->r.operation = op;
	send_open(c, s, w, weight, ret);
	return 0;
}

static __always_inline bool is_error(long ret)
{
	return ret < 0 && ret >= -4095;
}

SEC("fexit")
int BPF_PROG(nopen_fexit, int dfd, struct filename *name, const struct open_flags *how,
	     struct file *ret)
{
	long err = (long)(void *)ret;

	return is_error(err) ? open_failed(dfd, name, how, err) : 0;
}

/* struct opening is what an open was called with. */
struct opening {
	struct filename *name;
	const struct open_flags *how;
	__u64 dfd;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct opening);
} openings SEC(".maps");

SEC("kprobe")
int BPF_KPROBE(nopen_kprobe, int dfd, struct filename *name, const struct open_flags *how)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct opening o = {.name = name, .how = how, .dfd = (__u32)dfd};

	bpf_map_update_elem(&openings, &id, &o, BPF_ANY);
	return 0;
}

SEC("kretprobe")
int BPF_KRETPROBE(nopen_kret, long ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct opening *o;

	if (!is_error(ret))
		return 0;
	o = bpf_map_lookup_elem(&openings, &id);
	return o ? open_failed((int)o->dfd, o->name, o->how, ret) : 0;
}
