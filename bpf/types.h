/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Every kernel type, field and constant that the programs rely on, and no more.
 * CO-RE moves each field to its place in the running kernel, so only names and
 * types matter here, not offsets. A suffix ___x marks another kernel's shape.
 */
#pragma once
#define __VMLINUX_H__ /* tells bpf_tracing.h to use the kernel's names of registers */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed short __s16;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

#define NULL ((void *)0)

#define EPERM	      1
#define EPIPE	      32
#define ENOENT	      2
#define EEXIST	      17
#define ENOTDIR	      20
#define ENOPROTOOPT   92
#define ENETUNREACH   101
#define ETIMEDOUT     110
#define ECONNREFUSED  111
#define EHOSTDOWN     112
#define EHOSTUNREACH  113
#define EADDRNOTAVAIL 99
#define ECANCELED     125
#define ENONET	      64

#define S_IFMT	 0170000
#define S_IFDIR	 0040000
#define S_IFSOCK 0140000
#define S_IWOTH	 0002
#define S_ISUID	 04000
#define S_ISGID	 02000
#define O_TRUNC	 01000
#define O_PATH	 010000000
#define AT_FDCWD -100

#define FMODE_READ	0x1
#define FMODE_WRITE	0x2
#define FMODE_EXEC	0x20
#define FMODE_PATH	0x4000
#define FMODE_NOACCOUNT 0x20000000 /* the file beneath one on overlayfs */

#define MS_MOVE	   8192
#define MS_MGC_VAL 0xc0ed0000
#define MS_MGC_MSK 0xffff0000

#define PTRACE_TRACEME 0
#define PTRACE_ATTACH  16
#define PTRACE_SEIZE   0x4206

#define CLONE_NEWTIME	0x00000080
#define CLONE_NEWNS	0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS	0x04000000
#define CLONE_NEWIPC	0x08000000
#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000
#define CLONE_NEW_ANY	0x7e020080

#define PF_KTHREAD 0x00200000
#define CAP_SETGID 6
#define CAP_SETUID 7

#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define IPPROTO_TCP   6
#define IPPROTO_UDP   17
#define IPPROTO_MPTCP 262
#define SIN6_LEN_MIN  24 /* of an IPv6 address in msghdr, says RFC 2133 */
#define ETH_P_IP      0x0800
#define ETH_P_IPV6    0x86dd

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_CLOSE = 7,
	TCP_LISTEN = 10,
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#define BPF_RB_NO_WAKEUP    1
#define BPF_RB_FORCE_WAKEUP 2
#define BPF_RB_AVAIL_DATA   0

#define BPF_ANY		  0
#define BPF_NOEXIST	  1
#define BPF_F_NO_PREALLOC 1

/* The commands of bpf(2), from the UAPI. */
enum bpf_cmd {
	BPF_MAP_CREATE = 0,
	BPF_PROG_LOAD = 5,
	BPF_PROG_ATTACH = 8,
	BPF_RAW_TRACEPOINT_OPEN = 17,
	BPF_LINK_CREATE = 28,
};

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"

/* The contexts that the kernel hands to programs: UAPI, fixed layout. */
struct bpf_sock {
	__u32 bound_dev_if, family, type, protocol, mark, priority;
	__u32 src_ip4, src_ip6[4], src_port; /* the port in host order */
};

struct bpf_sock_addr {
	__u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol;
	__u32 msg_src_ip4, msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};

/* A record of tracepoint/syscalls/sys_enter_*. */
struct sys_enter {
	__u64 common;
	long nr;
	__u64 args[6];
};

/* A record of tracepoint/syscalls/sys_exit_*. */
struct sys_exit {
	__u64 common;
	long nr;
	long ret;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, cx, r8, r9, sp, ip, ax, bp, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};
struct pt_regs {
	__u64 orig_x0;
	int syscallno;
};
#endif

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_sock_from_file = 162,
};

enum cgroup_subsys_id {
	memory_cgrp_id = 101, /* CO-RE knows the number */
	pids_cgrp_id = 102,
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

typedef struct {
	__u64 val; /* two __u32 before Linux 6.3: the same bytes */
} kernel_cap_t;

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns_for_children; /* since Linux 5.6 */
	struct cgroup_namespace *cgroup_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

enum pid_type {
	PIDTYPE_SID = 3,
	PIDTYPE_MAX,
};

struct tty_driver {
	int major, minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct signal_struct {
	atomic_t live;
	unsigned int flags;
	int group_exit_code;
	struct pid *pids[PIDTYPE_MAX];
	struct tty_struct *tty;
};

#define SIGNAL_GROUP_EXIT 0x00000004

struct user_namespace;

struct cred {
	kuid_t uid, euid, suid, fsuid;
	kgid_t gid, egid, sgid, fsgid;
	kernel_cap_t cap_permitted, cap_effective;
	struct user_namespace *user_ns;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
	struct file_system_type *s_type;
};

struct inode {
	__u16 i_mode;
	unsigned int i_nlink;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	unsigned char d_iname[32];
	struct super_block *d_sb;
};

union shortname_store {
	unsigned char string[40];
	unsigned long words[5];
};

/* Since Linux 6.14. */
struct dentry___shortname {
	union shortname_store d_shortname;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	const char *mnt_devname;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	struct path f_path;
	void *private_data;
};

struct filename {
	const char *name;
};

struct open_flags {
	int open_flag;
};

struct fs_struct {
	struct path root, pwd;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *parent;
	__u64 id;
};

/* Since Linux 6.15. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	__u32 pid;
	__u32 tgid;
	__u64 start_boottime;
	__u64 self_exec_id;
	int exit_code;
	char comm[16];
	const struct cred *cred;
	struct pid *thread_pid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct fs_struct *fs;
	struct files_struct *files;
	struct css_set *cgroups;
};

struct linux_binprm {
	struct mm_struct *mm;
	struct file *file;
	const char *filename;
	const char *interp;
};

struct in6_addr {
	__u8 u6_addr8[16];
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
};

struct inet_sock {
	__be16 inet_sport;
};

/* Of multipath TCP: the socket that a program holds, and the first connection beneath. */
struct mptcp_sock {
	struct sock *first;
};

struct proto_accept_arg; /* since Linux 6.10 */

struct socket {
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

struct sk_buff {
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
};

struct module {
	char name[56];
};

enum kernel_read_file_id {
	READING_MODULE = 101, /* CO-RE knows the number */
	READING_MODULE_COMPRESSED = 102,
};

struct bpf_prog_aux {
	__u32 id;
	struct bpf_prog *prog;
	char name[16];
};

enum bpf_prog_type {
	BPF_PROG_TYPE_UNSPEC,
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta __attribute__((aligned(8)));
	struct task_struct *task __attribute__((aligned(8)));
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta __attribute__((aligned(8)));
	struct task_struct *task __attribute__((aligned(8)));
	__u32 fd __attribute__((aligned(8)));
	struct file *file __attribute__((aligned(8)));
};

#pragma clang attribute pop

/* The addresses that msghdr.msg_name points to and packet headers: fixed layout. */
struct sockaddr_in {
	__u16 sin_family;
	__be16 sin_port;
	__be32 sin_addr;
};

struct sockaddr_in6 {
	__u16 sin6_family;
	__be16 sin6_port;
	__be32 sin6_flowinfo;
	__u8 sin6_addr[16];
};

#pragma clang diagnostic pop
