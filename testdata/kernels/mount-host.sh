#!/bin/bash
# Mounts what the sensor reads of the running kernel, where the host has not. A host may not
# offer it: those that come after say what they lack.
set -euo pipefail

mount_if_missing() { # <type> <directory>
	mountpoint -q "$2" || mount -t "$1" "$1" "$2" 2> /dev/null || echo "cannot mount $1 at $2"
}
mount_if_missing tracefs /sys/kernel/tracing
mount_if_missing bpf /sys/fs/bpf
mount_if_missing securityfs /sys/kernel/security
