#!/usr/bin/env bash
# Print what the collector of examples/quickstart.yaml takes while it idles:
# resident memory, its part that is not pages of files, and processor time over a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
bin/otelcol-ebpfsecurity --config examples/quickstart.yaml > build/idle.log 2>&1 &
pid=$!
trap 'kill $pid; wait $pid || true' EXIT
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
sleep 20 # starting is over
before=$(ticks)
sleep 60
after=$(ticks)
awk -v t="$((after - before))" -v hz="$(getconf CLK_TCK)" '
	/^VmRSS|^RssAnon|^RssFile/ { printf "idle collector: %-8s %6.1f MB\n", $1, $2 * 1024 / 1e6 }
	END { printf "idle collector: processor %.2f %% of one core\n", t * 100 / hz / 60 }' "/proc/$pid/status"
