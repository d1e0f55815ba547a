package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A result is a line of a Go benchmark: Sub names below Benchmark, and figures by their units.
type result struct {
	sub     []string
	figures map[string]float64
}

// goTest runs benchmarks of a package of this module.
func goTest(args ...string) ([]result, error) {
	return measured(exec.Command("go", append([]string{"test", "-run", "^$"}, args...)...))
}

// measured runs a command that prints what Go benchmarks print.
func measured(c *exec.Cmd) ([]result, error) {
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stderr), &errs
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s%s", strings.Join(c.Args, " "), err, tail(errs.String()), tail(out.String()))
	}
	return results(&out)
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

func results(r io.Reader) (all []result, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		b := result{sub: strings.Split(unnumbered(words[0]), "/"), figures: make(map[string]float64)}
		for i := 2; i+1 < len(words); i += 2 {
			if b.figures[words[i+1]], err = strconv.ParseFloat(words[i], 64); err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
		}
		all = append(all, b)
	}
	return all, lines.Err()
}

// unnumbered is without what go test adds: the number of processors, and #01 for a name that is there twice.
func unnumbered(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			name = name[:i]
		}
	}
	before, after, found := strings.Cut(name, "#")
	if _, rest, below := strings.Cut(after, "/"); found && below {
		return before + "/" + rest
	}
	return before
}
