#!/usr/bin/env bash
# Print what the collector takes while a watched file is opened 50,000 times a
# second, and as often as this machine can, with the sampling of the default
# configuration and without; and what became of the events. Records end in an
# exporter that does nothing with them.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
metrics=127.0.0.1:9103
pid=
trap '[ -z "$pid" ] || { kill $pid; wait $pid || true; }; rm -rf "$dir"' EXIT
touch "$dir/file"
CGO_ENABLED=0 go test -c -tags e2e -o "$dir/load" ./internal/e2e
cat > "$dir/config.yaml" << EOF
receivers:
  ebpfsecurity:
    collection_interval: 1s
    file:
      watch: [{path: $dir/file, severity: critical}]
    events:
      only: {paths: [$dir/file]}
exporters:
  prometheus: {endpoint: $metrics, without_scope_info: true}
  debug: {verbosity: basic, use_internal_logger: false, output_paths: [/dev/null]}
service:
  telemetry:
    metrics: {level: none}
  pipelines:
    metrics: {receivers: [ebpfsecurity], exporters: [prometheus]}
    logs: {receivers: [ebpfsecurity], exporters: [debug]}
EOF

ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
resident() { awk -v what="$1" '$1 == what ":" { printf "%.0f", $2 * 1024 / 1e6 }' "/proc/$pid/status"; }
outcomes() {
	curl -sf "http://$metrics/metrics" | awk -F '[="]+' '
		/^security_ebpf_events_total.class="file_open"/ { split($5, n, " "); printf "%s %d  ", $4, n[2] }'
}

# opens N RATE: how it went
opens() {
	local before after begun ended
	echo 5 > "/proc/$pid/clear_refs" # forgets the peak
	before=$(ticks) begun=$EPOCHREALTIME
	E2E_DEED=open "$dir/load" "$dir/file" "$@" > "$dir/did"
	ended=$EPOCHREALTIME
	sleep 4 # until all is delivered, and counted
	after=$(ticks)
	awk -v n="$(awk '/^file_open/ { print $2 }' "$dir/did")" -v s="$(awk "BEGIN { print $ended - $begun }")" -v t="$((after - before))" \
		-v hz="$(getconf CLK_TCK)" -v peak="$(resident VmHWM)" -v now="$(resident VmRSS)" 'BEGIN {
		printf "  %7.0f opens/s: %5.2f processor seconds per million, resident at most %d MB, then %d MB\n",
			n / s, t / hz / n * 1e6, peak, now }'
	echo "    until now: $(outcomes)"
}

# measure NAME [CONFIG]
measure() {
	echo "$1"
	bin/otelcol-ebpfsecurity --config "$dir/config.yaml" ${2:+--config "$2"} 2> "$dir/log" &
	pid=$!
	until [ -n "$(outcomes)" ]; do
		kill -0 $pid || { cat "$dir/log"; exit 1; }
		sleep 0.2
	done 2> "$dir/waiting"
	sleep 10
	echo "  idle: resident $(resident VmRSS) MB, $(resident RssAnon) MB of it not pages of files"
	opens 1000000 50000
	opens 2000000
	kill $pid
	wait $pid
	pid=
}

measure "sampled above 5,000 a second"
measure "every event a record" yaml:receivers::ebpfsecurity::events::sampling::events_per_second:\ 0
