# Judges the -test.v output of the kernel tests on one kernel: prints what ran, and fails when a test failed,
# when none ran, or when one was skipped for another reason than a lack of this kernel.
#   awk -v name=amd64:6.1 [-v again='TestA TestB'] -f report.awk log
# Tests that are named in again were run again, and passed then.

function mistake(text) { mistakes[++wrong] = text }

{ sub(/\r$/, "") }

/^FAIL$/ { ended = 1 } # all ran: after a panic or when the time is over there is no such line

/^=== KERNEL / { kernel = $3 " " $4; next }
/^=== STATUS / { status = $3; next }
/^=== (RUN|CONT|NAME) / {
	test = $3
	if ($2 == "RUN")
		for (parent = test; sub(/\/[^\/]*$/, "", parent); )
			parents[parent] = 1
	next
}
!/^ *--- (PASS|SKIP): / { said[++lines] = $0; saidIn[lines] = test }
/not on this kernel: / { reasons[test] = substr($0, index($0, "not on this kernel: ")) }
# A test that has subtests is counted by them, unless it failed by itself.
/^ *--- PASS: / && !($3 in parents) { passed++ }
/^ *--- SKIP: / {
	skipped++
	if (!($3 in reasons))
		mistake($3 " was skipped without naming what this kernel lacks")
	skips[skipped] = $3
}
/^ *--- FAIL: / {
	split($3, names, "/")
	if (index(" " again, " " names[1] " ")) {
		forgiven++
		if ($3 == names[1])
			passed++
		next
	}
	failed++
	failedTests[$3] = 1
	mistake($3 " failed")
}

END {
	if (status != "0" && !failed && !(forgiven && ended))
		mistake("the tests ended with status " (status == "" ? "unknown" : status))
	if (passed + failed == 0)
		mistake("no test ran")
	printf "%s: Linux %s: %d passed, %d failed, %d skipped\n", name, kernel == "" ? "unknown" : kernel, passed, failed, skipped
	for (i = 1; i <= skipped; i++) {
		reason = reasons[skips[i]]
		if (!(reason in skippedFor))
			order[++kinds] = reason
		skippedFor[reason] = skippedFor[reason] " " skips[i]
	}
	for (i = 1; i <= kinds; i++)
		print "  skipped" skippedFor[order[i]] ": " order[i]
	if (again != "")
		print "  passed when they were run again: " again
	for (i = 1; i <= wrong; i++)
		print "  WRONG " mistakes[i]
	if (failed)
		print "  what these said:"
	else if (wrong)
		print "  the end of " FILENAME ":"
	for (outer = 0; wrong && outer <= !!failed; outer++) # what a test says around its subtests is often long, and of less use
		for (i = 1; i <= lines; i++)
			if (failed ? saidIn[i] in failedTests && saidIn[i] in parents == outer : i > lines - 30)
				print "  | " said[i]
	exit wrong > 0
}
