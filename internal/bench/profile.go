package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// doings are what the time of a record goes into, by functions of the stack: of those that match, the first is meant.
var doings = []struct{ name, functions string }{
	{"Go's collection of garbage", `^runtime\.(gcBgMarkWorker|gcAssistAlloc|bgsweep|bgscavenge|gcStart|gcMarkDone|\(\*sweepLocked\)|deductSweepCredit|wakeScavenger)`},
	{"Go's allocation", `^runtime\.(mallocgc|growslice|newobject|makeslice)`},
	{"pdata, without what it allocates", `collector/pdata`},
	{"who did it", `internal/process`},
	{"sampling and top-N", `internal/(sample|topn)`},
	{"what a record says", `receiver\.\(\*writer\)`},
	{"all else of the receiver", `ebpfsecurityreceiver/receiver`},
}

func profilePart() part {
	return part{
		name:  "profile",
		title: "Where the time of a record goes",
		about: "A profile of the benchmark `Event`, with parts of its processor time.",
		measure: func() (table, error) {
			dir, err := os.MkdirTemp("", "bench")
			if err != nil {
				return table{}, err
			}
			defer os.RemoveAll(dir)
			t := table{Head: []string{"event"}}
			for _, d := range doings {
				t.Head = append(t.Head, d.name)
			}
			t.Head = append(t.Head, "the rest of Go")
			for _, event := range []string{"exec", "file_open", "connect"} {
				cells, err := profiled(dir, event)
				if err != nil {
					return t, err
				}
				t.row(append([]string{event}, cells...)...)
			}
			return t, nil
		},
	}
}

// profiled is what part of the time of an event each of the doings takes, and what none of them does.
func profiled(dir, event string) (cells []string, err error) {
	binary, profile := filepath.Join(dir, "receiver.test"), filepath.Join(dir, event)
	if _, err := goTest("-bench", "^BenchmarkEvent$/^"+event+"$", "-benchtime", "3s", "-cpuprofile", profile, "-o", binary, "./receiver"); err != nil {
		return nil, err
	}
	var before []string
	rest := 100.0
	for _, d := range doings {
		args := []string{"tool", "pprof", "-top", "-nodecount=0", "-nodefraction=0", "-focus=" + d.functions}
		if before != nil {
			args = append(args, "-ignore="+strings.Join(before, "|"))
		}
		out, err := exec.Command("go", append(args, binary, profile)...).Output()
		if err != nil {
			return nil, err
		}
		part, err := accounted(string(out))
		if err != nil {
			return nil, err
		}
		before = append(before, d.functions)
		rest -= part
		cells = append(cells, fmt.Sprintf("%.0f %%", part))
	}
	return append(cells, fmt.Sprintf("%.0f %%", max(0, rest))), nil
}

var accounting = regexp.MustCompile(`Showing nodes accounting for \S+, (\S+)% of`)

// accounted is the part, in percent, that the functions of a pprof -top have of all samples.
func accounted(top string) (float64, error) {
	found := accounting.FindStringSubmatch(top)
	if found == nil {
		return 0, fmt.Errorf("pprof says nothing of nodes: %s", tail(top))
	}
	return strconv.ParseFloat(found[1], 64)
}
