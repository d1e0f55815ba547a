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
	"$here/run-in-kernel.sh" run "$kernel" "${options[@]}" -m overlay -M dummy -f "$top/testdata/budget" -- "$logs/sensor-${kernel%%:*}.test" \
		-test.run "${KERNEL_TESTS:-^TestKernel}" -test.v -test.timeout 40m > "$log.log" 2>&1 < /dev/null || status=$?
	echo "=== STATUS $status" >> "$log.log"
	awk -v name="$1" -f "$here/report.awk" "$log.log" | tee "$log.report"
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
