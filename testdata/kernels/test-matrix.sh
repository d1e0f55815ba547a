#!/bin/bash
# Runs the kernel tests on every kernel of the matrix (or those named as arguments), three at a time: they wait a lot.
#   test-matrix.sh [host] [amd64:6.1 ...]         KERNEL_TESTS is a pattern of others than all
# The logs go to build/kernels/; report.awk judges them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
logs=$top/build/kernels

# one <line of the matrix>: the tests on one kernel
one() {
	local kernel=${1%% *} options=() status=0
	if [ "$kernel" = host ]; then
		"$here/test-host.sh"
		return
	fi
	local log=$logs/${1//[^a-zA-Z0-9.=,]/-}
	[ "$kernel" = "$1" ] || options=(-a "${1#* }")
	echo "$1: started"
	in_vm "${KERNEL_TESTS:-^TestKernel}" > "$log.log" || status=$?
	echo "=== STATUS $status" >> "$log.log"
	# Linux 7 does not run programs while a task is preempted in them. What fails for that does not fail again.
	local again='' failed
	failed=$(sed -n 's/^--- FAIL: \([A-Za-z0-9]*\) .*/\1/p' "$log.log" | head -6)
	if [ -n "$failed" ] && [ "$(wc -l <<< "$failed")" -lt 6 ] && grep -q '^=== KERNEL [7-9]' "$log.log" &&
		in_vm "^($(tr '\n' '|' <<< "$failed" | sed 's/|$//'))\$" > "$log.again"; then
		again=$(tr '\n' ' ' <<< "$failed")
	fi
	awk -v name="$1" -v again="$again" -f "$here/report.awk" "$log.log" | tee "$log.report"
}

# in_vm <pattern>: the tests of that name in a VM; $kernel, $options and $logs are those of the caller.
in_vm() {
	"$here/run-in-kernel.sh" run "$kernel" "${options[@]}" -m overlay -M dummy -f "$top/testdata/budget" -- "$logs/sensor-${kernel%%:*}.test" \
		-test.run "$1" -test.v -test.timeout 40m 2>&1 < /dev/null
}
if [ "${1:-}" = --one ]; then
	one "$2"
	exit
fi

mkdir -p "$logs"
rm -f "$logs"/*.report "$logs"/*.log
if [ $# -gt 0 ]; then
	lines=$(printf '%s\n' "$@")
else
	lines=$(grep -v '^#' "$here/matrix")
fi

cd "$top/internal/sensor"
for arch in $(cut -d: -f1 <<< "$lines" | grep -v '^host' | sort -u); do
	echo "building the kernel tests for $arch"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go test -c -o "$logs/sensor-$arch.test" .
done
export RIK_TIMEOUT=${RIK_TIMEOUT:-2400}
xargs -d '\n' -P 3 -n 1 "$here/test-matrix.sh" --one <<< "$lines"
