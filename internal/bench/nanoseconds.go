package main

import "fmt"

func nanosecondsPart() part {
	return part{
		name:  "nanoseconds",
		title: "Nanoseconds on the running kernel",
		about: "Turn and turn about with nothing attached and with the sensor; medians of nine turns each. " +
			"Which programs serve the hooks of this kernel decides: `make doctor` shows them. `fallback` is `default` as a kernel " +
			"serves it that has neither fentry nor fexit nor kprobes.",
		measure: func() (table, error) {
			t := table{Head: []string{"configuration", "operation", "without, ns", "with, ns", "ratio"}}
			all, err := goTest("-bench", "^BenchmarkInterleaved$", "-benchtime", "1x", "-timeout", "1h", "./internal/sensor")
			if err != nil {
				return t, err
			}
			for _, r := range all {
				if len(r.sub) != 3 {
					continue
				}
				without, with := r.figures["without-ns/op"], r.figures["with-ns/op"]
				t.row(r.sub[1], r.sub[2], fmt.Sprintf("%.0f", without), fmt.Sprintf("%.0f", with), fmt.Sprintf("%.3f", with/without))
			}
			return t, nil
		},
	}
}
