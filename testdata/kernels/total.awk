# Prints the reports of all kernels and, last, their sum; fails when there is no report.
{ print }
/: Linux .* passed, / {
	kernels++
	for (i = 2; i <= NF; i++) {
		if ($i ~ /^passed/) passed += $(i - 1)
		if ($i ~ /^failed/) failed += $(i - 1)
		if ($i ~ /^skipped/) skipped += $(i - 1)
	}
}
END {
	print "kernel tests on " kernels + 0 " kernels"
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit !kernels
}
