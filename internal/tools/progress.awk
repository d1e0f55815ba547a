# Turns the package names that `go build -v` prints into a line per 100 of them; all other lines pass.
#   go build -v . 2>&1 | awk -v total=1800 -f progress.awk
/^[a-z0-9]+[a-zA-Z0-9.\/_~-]*$/ {
	if (++built % 100 == 0) {
		print "  compiled " built " packages of at most " total
		fflush()
	}
	next
}
{ print; fflush() }
