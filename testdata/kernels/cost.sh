#!/usr/bin/env bash
# Print how many instructions the programs add to the operations they hook, and
# each by itself, in a VM that counts instructions (a guest nanosecond is one). KERNELS names others
# than amd64:6.12. Repeatable to 1 % for syscalls and TCP, 3 % for exec.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../build/kernels
mkdir -p "$out"
CGO_ENABLED=0 go test -c -o "$out/sensor.cost.test" ./internal/sensor
export RIK_ACCEL=tcg,thread=single RIK_QEMU='-icount shift=0,sleep=on -cpu max,-la57'
for kernel in ${KERNELS:-amd64:6.12}; do
	echo "instructions per operation, $kernel"
	"$here/run-in-kernel.sh" run "$kernel" -a 'nokaslr mitigations=auto' -- "$out/sensor.cost.test" \
		-test.run '^$' -test.bench '^(BenchmarkKernel|BenchmarkPrograms)$' -test.benchtime 1x |
		awk '
			/^BenchmarkKernel\// {
				split($1, name, "/"); way = name[2]; op = name[3]; sub(/#.*/, "", op)
				if (!((way, op) in best) || $3 < best[way, op]) best[way, op] = $3
				if (!(op in seen)) { seen[op] = 1; ops[++n] = op }
				if (way != "nothing" && !(way in ways)) { ways[way] = 1; order[++m] = way }
			}
			/^BenchmarkPrograms\// {
				split($1, name, "/")
				for (i = 2; i < NF; i++) {
					if ($(i + 1) == "ns/run") each = $i
					if ($(i + 1) == "runs/op") times = $i
				}
				run = sprintf("  %-10s %-22s %-18s %7.0f × %.2f", name[2], name[3], name[4], each, times)
				if (times >= 0.9) runs[++r] = run
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
				print "instructions per run of each program, and runs per operation"
				for (i = 1; i <= r; i++) print runs[i]
				exit failed || n == 0 || r == 0
			}'
done
