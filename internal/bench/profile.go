package main

import "fmt"

func profilePart() part {
	return part{
		name:  "profile",
		title: "What each program takes",
		about: "Where instructions are counted, Linux 6.12: what the kernel says of one run of a program, and how often it runs in an operation. " +
			"What an operation costs beyond that is the way into the program: a trampoline for fentry, two for fexit.",
		measure: func() (table, error) {
			t := table{Head: []string{"configuration", "operation", "program", "instructions a run", "runs"}}
			all, err := inVM("amd64:6.12", "^BenchmarkPrograms$")
			if err != nil {
				return t, err
			}
			for _, r := range all {
				if times := r.figures["runs/op"]; len(r.sub) == 4 && times >= 0.9 { // others are background
					t.row(r.sub[1], r.sub[2], r.sub[3], fmt.Sprintf("%.0f", r.figures["ns/run"]), fmt.Sprintf("%.2f", times))
				}
			}
			return t, nil
		},
	}
}
