#!/bin/bash
# Runs the kernel tests on the running kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
logs=$top/build/kernels

[ "$(uname)" = Linux ] || { echo "the kernel tests need Linux" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "the kernel tests need root: run this as root" >&2; exit 1; }

# mount_if_missing <type> <directory>: a host may not offer it, the tests then say what they lack
mount_if_missing() {
	mountpoint -q "$2" || mount -t "$1" "$1" "$2" 2> /dev/null || echo "cannot mount $1 at $2"
}
mount_if_missing tracefs /sys/kernel/tracing
mount_if_missing bpf /sys/fs/bpf
mount_if_missing securityfs /sys/kernel/security

mkdir -p "$logs"
rm -f "$logs"/host.*
cd "$top/internal/sensor"
CGO_ENABLED=0 go test -c -o "$logs/sensor-host.test" .
status=0
{
	echo "=== KERNEL $(uname -rm)"
	"$logs/sensor-host.test" -test.run '^TestKernel' -test.v -test.timeout 40m
} > "$logs/host.log" 2>&1 < /dev/null || status=$?
echo "=== STATUS $status" >> "$logs/host.log"
awk -v name=host -f "$here/report.awk" "$logs/host.log" | tee "$logs/host.report"
