/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Everything that crosses to user space. Go types are generated from this file
 * (see internal/sensor/gen.go); never restate a layout by hand. The order of
 * each enum is that of its twin in internal/event.
 *
 * Layout rule: largest fields first, pad explicitly, never __packed.
 */
#pragma once

#include "types.h"

enum process_type {
	PROCESS_SYSTEM,
	PROCESS_USER,
	PROCESS_CONTAINER,
	PROCESS_SUSPICIOUS,
	PROCESS_TYPES,
};

enum direction {
	DIRECTION_IN,
	DIRECTION_OUT,
	DIRECTIONS,
};

enum protocol {
	PROTOCOL_TCP,
	PROTOCOL_UDP,
	PROTOCOLS,
};

enum connect_error {
	CONNECT_TIMEOUT,
	CONNECT_REFUSED,
	CONNECT_RESET,
	CONNECT_UNREACHABLE,
	CONNECT_ERRORS,
};

enum severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITIES,
};

enum operation {
	OPERATION_READ,
	OPERATION_WRITE,
	OPERATIONS,
};

enum escalation {
	ESCALATION_SETUID,
	ESCALATION_SETGID,
	ESCALATION_CAPSET,
	ESCALATIONS,
};

enum result {
	RESULT_SUCCESS,
	RESULT_FAILURE,
	RESULTS,
};

enum module_action {
	MODULE_LOAD,
	MODULE_LOAD_FILE,
	MODULE_UNLOAD,
	MODULE_ACTIONS,
};

enum bpf_command {
	COMMAND_PROG_LOAD,
	COMMAND_MAP_CREATE,
	COMMAND_ATTACH,
	COMMANDS,
};

#define COMM_LEN 16

/* enum class: the classes of events that are reported, and in the ledger. */
enum class {
	CLASS_EXEC,
	CLASS_EXIT,
	CLASS_FILE_OPEN,
	CLASS_CONNECT,
	CLASS_ACCEPT,
	CLASS_CLOSE,
	CLASS_UDP_SEND,
	CLASS_PRIVILEGE,
	CLASS_MODULE,
	CLASS_BPF,
	CLASS_PTRACE,
	CLASS_NAMESPACE,
	CLASS_MOUNT,
	CLASSES,
	/* Not an event, but the path of a cgroup that was not seen before. */
	CLASS_CGROUP = CLASSES,
};

/* struct ledger is what became of the events of each class in the kernel. */
struct ledger {
	__u64 observed[CLASSES];
	__u64 filtered[CLASSES]; /* the config does not want it */
	__u64 sampled[CLASSES];	 /* left out because there are too many */
	__u64 lost[CLASSES];	 /* the ring was full */
	__u64 seq[CLASSES];	 /* the next sequence number on this CPU */
};

/* struct counts is all that is counted, one copy for each CPU. */
struct counts {
	__u64 exec[PROCESS_TYPES];
	__u64 exit[PROCESS_TYPES];
	__s64 active[PROCESS_TYPES];
	__u64 connect[DIRECTIONS][PROTOCOLS];
	__s64 connect_active[DIRECTIONS][PROTOCOLS];
	__u64 connect_error[CONNECT_ERRORS];
	__u64 file_access[SEVERITIES][OPERATIONS];
	__u64 escalation[ESCALATIONS][RESULTS];
	__u64 module[MODULE_ACTIONS][RESULTS];
	__u64 bpf[COMMANDS][RESULTS];
	__u64 untracked; /* what a full table could not hold */
	__u64 caught;	 /* what one program counted because another was skipped */
	struct ledger ledger;
	__u64 images; /* executions since the sensor was opened, on this CPU */
};

#define PATH_LEN 256 /* the most that an LPM trie compares */

/* struct path_key is a path, or the front of a long one, for an LPM trie. */
struct path_key {
	__u32 bits; /* how much of path counts */
	__u8 path[PATH_LEN];
};

/* enum dir_kind says what it means for an executable to lie below a directory. */
enum dir_kind {
	DIR_SYSTEM = 1,
	DIR_WORLD_WRITABLE,
};

/* struct watch is what the opens of a watched file are worth: 0, or severity + 1. */
struct watch {
	__u8 level[OPERATIONS];
};

/* struct inode_key names a file or directory whatever path leads to it. */
struct inode_key {
	__u64 inode;
	__u32 dev; /* as the kernel has it: major << 20 | minor */
	__u32 pad;
};

/* struct name is the name of an executable, without version, NUL-padded. */
struct name {
	__u8 text[COMM_LEN];
};

/* A process is known by number and start; what it runs by how many execs it has seen. */
struct who {
	__u64 start;	      /* since boot, in ns: /proc/PID/stat has it in ticks */
	__u64 image;	      /* what runs in it: children share it until they exec; 0 unknown */
	__u64 parent_start;   /* of who forked it */
	__u64 parent_image;   /* when it forked */
	__u64 cgroup;	      /* id, as the inode number of its directory */
	__u64 cwd, cwd_mount; /* tell working directories apart, nothing else */
	__u32 hierarchy;      /* that the cgroup is in; 0 is version 2 */
	__u32 tgid;
	__u32 tid;
	__u32 vpid;  /* tgid in its own pid namespace */
	__u32 execs; /* since its ancestors were born: the kernel's self_exec_id */
	__u32 parent_tgid;
	__u32 parent_execs;
	__u32 type; /* enum process_type */
	__u32 uid, euid;
	__u32 gid, egid;
	__u8 comm[COMM_LEN];
};

/* Every record begins with a head. Strings follow the fixed part, without NUL, in order of their
 * lengths. */
struct head {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u64 seq;  /* of this class on this CPU: what is missing was lost */
	__u16 class;
	__u16 cpu;
	__u32 weight; /* how many events it stands for */
	__s32 error;  /* 0, or the errno with which it failed */
	__u32 pad;
	struct who who;
};

enum exec_flag {
	EXEC_MEMFD = 1,
	EXEC_DELETED = 2,
	EXEC_SETUID = 4,
	EXEC_SCRIPT = 8,
	EXEC_NO_ARGS = 16, /* they could not be read */
};

#define ARGS_MAX 32767 /* what is reported of argv, in bytes */

/* exe is what was run, of a failed exec what was to be run. */
struct exec_record {
	struct head head;
	__u32 flags;	  /* enum exec_flag */
	__u32 session;	  /* pid of the leader */
	__u32 tty;	  /* its device number, 0 for none */
	__u32 args_total; /* bytes in argv, with the NUL after each */
	__u32 exe_len;
	__u32 cwd_len;
	__u32 args_len;
	__u32 pad;
	/* exe, cwd, args */
};

struct exit_record {
	struct head head;
	__u32 code;   /* of exit(2) */
	__u32 signal; /* that ended it, 0 for none; + 128 with a core dump */
};

struct file_record {
	struct head head;
	__u64 inode;
	__u32 dev;   /* as in inode_key */
	__u32 flags; /* of open(2) */
	__u32 severity;
	__u32 operation;
	__u32 path_len;
	__u32 pad;
	/* path */
};

/* struct socket_record is of the classes connect, accept, close and udp_send. */
struct socket_record {
	struct head head;
	__u8 local[16]; /* IPv4 as v4-mapped */
	__u8 peer[16];
	__u16 local_port, peer_port; /* host order */
	__u16 family;		     /* of the socket */
	__u8 protocol;		     /* enum protocol */
	__u8 direction;		     /* enum direction, of a closed one */
};

/* struct ids is what of a struct cred decides about rights. */
struct ids {
	__u64 effective, permitted; /* capabilities */
	__u32 uid, euid, suid, fsuid;
	__u32 gid, egid, sgid, fsgid;
};

struct privilege_record {
	struct head head;
	struct ids old, new; /* equal if it was refused */
	__u32 family;	     /* enum escalation */
	__u32 gained;
};

#define MODULE_NAME_LEN 64

struct module_record {
	struct head head;
	__u8 name[MODULE_NAME_LEN];
	__u32 action; /* enum module_action */
	__u32 path_len;
	/* path */
};

#define BPF_NAME_LEN 16

struct bpf_record {
	struct head head;
	__u8 name[BPF_NAME_LEN];
	__u32 type; /* enum bpf_prog_type, from the UAPI */
	__u32 id;
};

struct ptrace_record {
	struct head head;
	__u32 request;
	__u32 target; /* as the caller calls it */
};

/* struct namespace_record: flags are CLONE_NEW*, of those that changed, or were to change. */
struct namespace_record {
	struct head head;
	__u64 flags;
	__u32 call; /* enum namespace_call */
	__u32 pad;
};

enum namespace_call {
	NAMESPACE_SETNS,
	NAMESPACE_UNSHARE,
	NAMESPACE_CLONE,
};

struct mount_record {
	struct head head;
	__u64 flags; /* of mount(2) */
	__u32 device_len;
	__u32 type_len;
	__u32 target_len;
	__u32 pad;
	/* device, type, target */
};

/* struct cgroup_record: the names from the cgroup up to the root, each with its NUL. */
struct cgroup_record {
	__u64 time;
	__u64 id;
	__u16 class; /* where that of a head is */
	__u16 pad;
	__u32 hierarchy;
	__u32 names_len;
	__u32 pad2;
	/* names */
};

/* union record is all that crosses a ring. */
union record {
	struct head head;
	struct exec_record exec;
	struct exit_record exit;
	struct file_record file;
	struct socket_record socket;
	struct privilege_record privilege;
	struct module_record module;
	struct bpf_record bpf;
	struct ptrace_record ptrace;
	struct namespace_record ns;
	struct mount_record mount;
	struct cgroup_record cgroup;
};
