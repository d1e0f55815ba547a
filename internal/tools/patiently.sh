#!/bin/bash
# Runs a long silent command, says every ten seconds that it still works, and shows its output if it fails.
#   patiently.sh 'what it does' command...
set -euo pipefail
what=$1 log=$(mktemp)
shift
"$@" > "$log" 2>&1 < /dev/null &
work=$!
trap 'kill "$work" 2> /dev/null || true; rm -f "$log"' EXIT

echo "$what"
next=10
while kill -0 "$work" 2> /dev/null; do
	sleep 0.2
	if [ "$SECONDS" -ge "$next" ]; then
		echo "  … $SECONDS s"
		next=$((next + 10))
	fi
done
wait "$work" || { status=$?; cat "$log" >&2; exit "$status"; }
