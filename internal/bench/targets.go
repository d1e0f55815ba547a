package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A target is what the sensor is to cost at most, and where the tables tell what it costs.
type target struct {
	what  string
	limit string
	kept  func(tables) (measured string, met, known bool)
}

// tables are those of the page, by the names of their parts.
type tables map[string]table

const (
	countedIn = "amd64:6.12"
	usualWay  = "default"
)

var targets = []target{
	{"getppid", "+0 instructions", traced("getppid", 0, anyShare)},
	{"an open of what is not watched", "≤ 250 instructions, ≤ 3 %", traced("open_unwatched", 250, 3)},
	{"an open of a watched file", "≤ 1,500 instructions", traced("open_watched", 1500, anyShare)},
	{"setuid", "≤ 8 %", traced("setuid", anyCount, 8)},
	{"UDP send and receive", "≤ 2 %", traced("udp_send", anyCount, 2)},
	{"TCP connect, accept and close", "≤ 1 %", traced("tcp_connect", anyCount, 1)},
	{"fork, exec and exit", "≤ 0.5 %", traced("fork_exec_exit", anyCount, 0.5)},
	{"a shell job", "≤ 0.5 %", cellAtMost("instructions", usualWay, second, 1.005, countedIn, "shell_job")},
	{"getppid without trampolines", "≤ 1.25 times", cellAtMost("nanoseconds", "ratio", first, 1.25, "fallback", "getppid")},
	{"an open without trampolines", "≤ 1.22 times", cellAtMost("nanoseconds", "ratio", first, 1.22, "fallback", "open_unwatched")},
	{"CPU seconds per million events that are only counted", "0", underLoad(cpuColumn, 0.02, metricsOnly)},
	{"CPU seconds per million records, to the exporter's door", "≤ 1.2", underLoad(cpuColumn, 1.2, "door")},
	{"CPU seconds per million records, through the file exporter", "≤ 2.5", underLoad(cpuColumn, 2.5, "file")},
	{"events lost at 200,000 a second", "0", underLoad("lost", 0, "door")},
	{"the ledger at 500,000 a second", "balanced", balanced("500000")},
	{"resident memory, idle", "≤ 90 MB", cellAtMost("idle", "value", first, 90, "VmRSS")},
	{"resident memory at 200,000 events a second", "≤ 150 MB", underLoad("RSS peak MB", 150, "door")},
	{"an executed program in a file, zstd", "≤ 60 bytes", cellAtMost("bytes", "bytes per program", first, 60, "file, JSON", "zstd")},
}

const (
	anyCount = 1e18
	anyShare = 1e18
	first    = 0
	second   = 1
)

// targetTable says of each target what was measured and whether it is met.
func targetTable(all tables) table {
	t := table{Head: []string{"what", "target", "measured", "met"}}
	for _, g := range targets {
		measured, met, known := g.kept(all)
		answer := "no"
		switch {
		case !known:
			measured, answer = "not measured", ""
		case met:
			answer = "yes"
		}
		t.row(g.what, g.limit, measured, answer)
	}
	return t
}

// cell is that of a column in the row that begins with keys.
func (all tables) cell(part, column string, keys ...string) (string, bool) {
	t := all[part]
	at := slices.Index(t.Head, column)
	if at < 0 {
		return "", false
	}
	for _, row := range t.Rows {
		if len(row) > at && len(row) >= len(keys) && slices.Equal(row[:len(keys)], keys) {
			return row[at], true
		}
	}
	return "", false
}

var figure = regexp.MustCompile(`\d+(\.\d+)?`)

// figureOf is the n-th of a cell, such as 1.005 of "+27 (1.005)".
func figureOf(cell string, n int) (float64, bool) {
	all := figure.FindAllString(cell, -1)
	if n >= len(all) {
		return 0, false
	}
	v, err := strconv.ParseFloat(all[n], 64)
	return v, err == nil
}

// traced holds what an operation runs of ours against a number, and as a share in percent of what it takes without us.
func traced(op string, most, mostShare float64) func(tables) (string, bool, bool) {
	return func(all tables) (string, bool, bool) {
		base, ok := all.figure("instructions", unattached, countedIn, op)
		counters, ok2 := all.figure("trace", "counters", op, inAll)
		usual, ok3 := all.figure("trace", usualWay, op, inAll)
		share := 100 * usual / base
		measured := fmt.Sprintf("%.0f (%.1f %%); as counters only %.0f (%.1f %%)", usual, share, counters, 100*counters/base)
		return measured, usual <= most && share <= mostShare, ok && ok2 && ok3
	}
}

// figure is the first of a cell.
func (all tables) figure(part, column string, keys ...string) (float64, bool) {
	cell, ok := all.cell(part, column, keys...)
	v, ok2 := figureOf(cell, 0)
	return v, ok && ok2
}

// cellAtMost holds the n-th figure of a cell against a number.
func cellAtMost(part, column string, n int, most float64, keys ...string) func(tables) (string, bool, bool) {
	return func(all tables) (string, bool, bool) {
		cell, ok := all.cell(part, column, keys...)
		v, ok2 := figureOf(cell, n)
		return cell, v <= most, ok && ok2
	}
}

// underLoad holds a cell of the pipeline against a number, which is met only if
// the load was nearly what was asked for, 200,000 a second.
func underLoad(column string, most float64, outlet string) func(tables) (string, bool, bool) {
	const rate = "200000"
	return func(all tables) (string, bool, bool) {
		cell, ok := all.cell("pipeline", column, outlet, rate)
		made, ok2 := all.cell("pipeline", "made/s", outlet, rate)
		v, ok3 := figureOf(cell, 0)
		return fmt.Sprintf("%s, at %s/s", cell, made), v <= most && isNearly(made, rate), ok && ok2 && ok3
	}
}

func isNearly(made, asked string) bool {
	is, ok := figureOf(made, 0)
	wanted, ok2 := figureOf(asked, 0)
	return ok && ok2 && is >= 0.95*wanted
}

// balanced looks at the ledgers of all outlets at a rate.
func balanced(rate string) func(tables) (string, bool, bool) {
	return func(all tables) (string, bool, bool) {
		t := all["pipeline"]
		asked, made, ledger := slices.Index(t.Head, "opens/s asked"), slices.Index(t.Head, "made/s"), slices.Index(t.Head, "ledger")
		if asked < 0 || made < 0 || ledger < 0 {
			return "", false, false
		}
		var of, off []string
		whole := true
		for _, row := range t.Rows {
			if row[asked] != rate {
				continue
			}
			of = append(of, row[made])
			whole = whole && isNearly(row[made], rate)
			if row[ledger] != "balanced" {
				off = append(off, row[0]+": "+row[ledger])
			}
		}
		if len(off) > 0 {
			return strings.Join(off, "; "), false, true
		}
		return fmt.Sprintf("balanced with all %d outlets, at %s/s", len(of), strings.Join(of, ", ")), whole, len(of) > 0
	}
}
