#!/bin/bash
# Prints the programs that ran, from the files that ../audit-files.yaml writes:
#   tsv.sh /var/log/ebpfsecurity/*.zst
# A line has, with tabs between: the time, the pid, the parent's pid, the name of
# the process and that of its parent (as ps shows them), the file that was run,
# and its arguments as JSON. It needs perl, zstd and jq.
#
# A file is a row of batches: the length in 4 bytes, the first being the most
# significant, and so many bytes of zstd, which has OTLP in JSON.
set -euo pipefail

# What is left of a batch that did not fit on a full disk is skipped.
batches='
	use strict;
	use warnings;
	my ($magic, $skipped) = ("\x28\xb5\x2f\xfd", 0);
	binmode STDOUT;
	for my $name (@ARGV) {
		open my $file, "<:raw", $name or die "$name: $!\n";
		my $data = do { local $/; <$file> } // "";
		my $size = length $data;
		my $whole = sub {
			my $at = shift;
			return 0 if $at + 8 > $size or substr($data, $at + 4, 4) ne $magic;
			my $end = $at + 4 + unpack("N", substr($data, $at, 4));
			return $end if $end == $size;
			return $end + 8 <= $size && substr($data, $end + 4, 4) eq $magic ? $end : 0;
		};
		for (my $at = 0; $at < $size;) {
			my $end = $whole->($at);
			print substr($data, $at + 4, $end - $at - 4) if $end;
			$skipped++ unless $end;
			$at = $end || $at + 1;
		}
	}
	warn "skipped $skipped bytes that are no batch\n" if $skipped;
'

programs='
	.resourceLogs[].scopeLogs[].logRecords[]
	| select(.eventName == "ebpfsecurity.process.exec")
	| .timeUnixNano as $time
	| (.attributes | map({key, value: (.value.stringValue // .value.intValue // [.value.arrayValue.values[]?.stringValue])}) | from_entries)
	| select(.["ebpfsecurity.outcome"] == "success")
	| [
		($time[:-9] | tonumber | todate[:-1]) + "." + $time[-9:] + "Z",
		.["process.pid"],
		.["process.parent_pid"],
		.["thread.name"],
		(.["ebpfsecurity.process.parent.executable.path"] // "" | split("/")[-1:][] | .[:15]),
		.["process.executable.path"],
		(.["process.command_args"] | tojson)
	]
	| @tsv
'

perl -e "$batches" -- "$@" | zstd -dc | jq -r "$programs"
