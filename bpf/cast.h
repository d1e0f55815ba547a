/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Addresses of the kernel's objects that the verifier knows as no more than numbers. */
#pragma once

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Since Linux 6.2 (a35b9af4ec2c). It is no call: the kernel puts a move in its place. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* CAN_CAST is known when a program is loaded, so that one of two branches is dropped. */
#define CAN_CAST (bpf_rdonly_cast != NULL)

/* CAST lets fields be read without BPF_CORE_READ, which is a call of 50 instructions for each.
 * Not in loops: the verifier follows each again for what it knows of the pointer. */
#define CAST(type, p) ((type *)bpf_rdonly_cast(p, bpf_core_type_id_kernel(type)))
