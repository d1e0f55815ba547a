#!/bin/bash
# Runs the kernel tests on the running kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
logs=$top/build/kernels

[ "$(uname)" = Linux ] || { echo "the kernel tests need Linux" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "the kernel tests need root: run this as root" >&2; exit 1; }

"$here/mount-host.sh"

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
