#!/usr/bin/env bash
# Print how many instructions the programs add to the operations they hook, in a
# VM that counts instructions (a guest nanosecond is one). KERNELS names others
# than amd64:6.12. Repeatable to 1 % for syscalls and TCP, 3 % for exec.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../build/kernels
mkdir -p "$out"
CGO_ENABLED=0 go test -c -o "$out/sensor.cost.test" ./internal/sensor
export RIK_ACCEL=tcg,thread=single RIK_QEMU='-icount shift=0,sleep=on -cpu max,-la57'
for kernel in ${KERNELS:-amd64:6.12}; do
	echo "instructions per operation, $kernel"
	"$here/run-in-kernel.sh" run "$kernel" -a nokaslr -- "$out/sensor.cost.test" \
		-test.run '^$' -test.bench '^BenchmarkKernel$' -test.benchtime 1x |
		awk '
			/^BenchmarkKernel\// {
				split($1, name, "/"); way = name[2]; op = name[3]; sub(/#.*/, "", op)
				if (!((way, op) in best) || $3 < best[way, op]) best[way, op] = $3
				if (!(op in seen)) { seen[op] = 1; ops[++n] = op }
				if (way != "nothing" && !(way in ways)) { ways[way] = 1; order[++m] = way }
			}
			/FAIL|panic/ { print; failed = 1 }
			END {
				for (i = 1; i <= n; i++) {
					op = ops[i]; base = best["nothing", op]
					printf "  %-22s %8.0f", op, base
					for (j = 1; j <= m; j++) {
						with = best[order[j], op]
						printf "   %s %+.0f (%.4f)", order[j], with - base, with / base
					}
					print ""
				}
				exit failed || n == 0
			}'
done
