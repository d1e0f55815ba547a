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

#define COMM_LEN 16

/* struct name is the name of an executable, without version, NUL-padded. */
struct name {
	__u8 text[COMM_LEN];
};
