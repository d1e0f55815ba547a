package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/budget"
)

// keepBudget counts the instructions that the default configuration adds where
// there are trampolines, and holds them against the budget.
func keepBudget() error {
	all, err := traceAll("default")
	if err != nil {
		return err
	}
	var errs []error
	for _, op := range all {
		name, added := "instructions/amd64:6.12/"+op.name, op.ways[0].sum()
		fmt.Printf("budget %s %.0f\n", name, added)
		if os.Getenv("BUDGET") != "new" {
			errs = append(errs, budget.Judge(name, added, budget.Instructions))
		}
	}
	return errors.Join(errs...)
}
