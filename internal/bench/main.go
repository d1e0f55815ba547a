// Command bench measures what the sensor costs, next to nothing attached and to
// what else users could run, prints a table and writes docs/performance.md:
// `make bench`, as root. -only NAME measures one part again; the others of the
// page are those of the last time, which are kept in build/bench.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	kept = "build/bench"
	page = "docs/performance.md"
)

// A part is one table of the page.
type part struct {
	name    string
	title   string
	about   string
	measure func() (table, error)
}

func parts() []part {
	return []part{
		instructionsPart(),
		tracePart(),
		nanosecondsPart(),
		programsPart(),
		profilePart(),
		pipelinePart(),
		bytesPart(),
		memoryPart(),
	}
}

func main() {
	only := flag.String("only", "", "the part to measure")
	budget := flag.Bool("budget", false, "count instructions, and hold them against testdata/budget")
	flag.Parse()
	err := error(nil)
	if *budget {
		err = keepBudget()
	} else {
		err = run(*only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(only string) error {
	all := parts()
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	if only != "" && !slices.Contains(names, only) {
		return fmt.Errorf("-only %s: there are %s", only, strings.Join(names, ", "))
	}
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return err
	}
	var failed []error
	for _, p := range all {
		if only != "" && only != p.name {
			continue
		}
		t, err := p.measure()
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
			continue
		}
		fmt.Printf("%s\n\n%s\n", p.title, t.text())
		failed = append(failed, keep(p.name, t))
	}
	return errors.Join(append(failed, write(all))...)
}

func keep(name string, t table) error {
	b, err := json.MarshalIndent(t, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(kept, name+".json"), b, 0o644)
}

// write makes the page of what was measured, now or before.
func write(all []part) error {
	measured := make(tables)
	for _, p := range all {
		text, err := os.ReadFile(filepath.Join(kept, p.name+".json"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var t table
		if err := errors.Join(err, json.Unmarshal(text, &t)); err != nil {
			return err
		}
		measured[p.name] = t
	}
	var b strings.Builder
	b.WriteString(intro)
	fmt.Fprintf(&b, "\n## Targets\n\n%s\n\n%s", aboutTargets, targetTable(measured).markdown())
	b.WriteString(bounds)
	for _, p := range all {
		if t, ok := measured[p.name]; ok {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", p.title, p.about, t.markdown())
		}
	}
	return os.WriteFile(page, []byte(b.String()), 0o644)
}
