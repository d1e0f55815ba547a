package main

import (
	"fmt"
	"strings"
)

func programsPart() part {
	return part{
		name:  "userspace",
		title: "User space",
		about: "Go benchmarks. `Event` is all that happens to an event from the kernel's record to a pipeline that does nothing; " +
			"`Decode`, `Exec` and `Describe` (who did it), `Record`, `Add` (top-N) and `Sampler` are its parts. `Scrape` and `ScrapeChecks` are " +
			"what one collection of metrics takes, `Count` its reading of the kernel's counters, `Run` one run of all checks on this host.",
		measure: func() (table, error) {
			t := table{Head: []string{"benchmark", "ns", "bytes", "allocations"}}
			for _, args := range [][]string{
				{"-bench", ".", "-skip", "Kernel|Interleaved|Traced", "-benchmem", "./internal/sensor", "./internal/process", "./internal/sample", "./internal/topn", "./receiver"},
				{"-tags", "host", "-bench", "^Benchmark(Run|Thousand|Ports)$", "-benchmem", "./internal/check"},
			} {
				all, err := goTest(args...)
				if err != nil {
					return t, err
				}
				for _, r := range all {
					t.row(strings.TrimPrefix(strings.Join(r.sub, "/"), "Benchmark"),
						fmt.Sprintf("%.0f", r.figures["ns/op"]), fmt.Sprintf("%.0f", r.figures["B/op"]), fmt.Sprintf("%.0f", r.figures["allocs/op"]))
				}
			}
			return t, nil
		},
	}
}
