// Package budget holds what tests measure against the figures of testdata/budget.
package budget

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Slack is by how much a figure may be above its budget, as a part of it.
const (
	Exact        = 0.0
	Compressed   = 0.01 // the same bytes of another build, as a version, compress otherwise
	Instructions = 0.05 // added to an operation
	Verified     = 0.20 // instructions that a verifier follows
)

const file = "testdata/budget"

// Keep fails a test whose figure is above its budget, or has none. BUDGET=new,
// as `make budget` sets it, only shows figures.
func Keep(t testing.TB, name string, figure, slack float64) {
	t.Helper()
	t.Logf("budget %s %.10g", name, figure)
	if os.Getenv("BUDGET") == "new" {
		return
	}
	if err := Judge(name, figure, slack); err != nil {
		t.Error(err)
	}
}

// Judge returns an error if a figure is above its budget and slack of that, if
// it has no budget, or if it is 0 and has one: then nothing was measured.
func Judge(name string, figure, slack float64) error {
	all, err := read()
	if err != nil {
		return err
	}
	return all.judge(name, figure, slack)
}

type budgets map[string]float64

func (b budgets) judge(name string, figure, slack float64) error {
	budget, ok := b[name]
	if !ok {
		return fmt.Errorf("%s is %.10g, and not in %s: see what `make budget` makes of it", name, figure, file)
	}
	if figure == 0 && budget > 0 {
		return fmt.Errorf("%s is 0, and %.10g in %s: was it measured?", name, budget, file)
	}
	if most := budget * (1 + slack); figure > most {
		return fmt.Errorf("%s is %.10g: more than %.10g, which the %.10g of %s allow", name, figure, most, budget, file)
	}
	return nil
}

// read finds the file in a directory above.
func read() (budgets, error) {
	dir, err := os.Getwd()
	for err == nil {
		b, readErr := os.ReadFile(filepath.Join(dir, file))
		if readErr == nil {
			return parse(string(b))
		}
		if !errors.Is(readErr, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return nil, readErr
		}
		dir = filepath.Dir(dir)
	}
	return nil, err
}

// parse reads lines of a name and a figure, and comments.
func parse(text string) (budgets, error) {
	all := make(budgets)
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(words) != 2 {
			return nil, fmt.Errorf("%s:%d: %d words instead of a name and a figure", file, i+1, len(words))
		}
		figure, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		if _, twice := all[words[0]]; twice {
			return nil, fmt.Errorf("%s:%d: %s is there twice", file, i+1, words[0])
		}
		all[words[0]] = figure
	}
	return all, nil
}
