package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/budget"
)

// keepBudget counts the instructions that the default configuration adds where
// there are trampolines. They are held against the budget with what counting
// them is uncertain by: 1 % of what is done, 3 % of an execution.
func keepBudget() error {
	const kernel, way = "amd64:6.12", "default"
	all, err := inVM(kernel, "^BenchmarkKernel$/^(nothing|"+way+")$/^(getppid|open|setuid|udp|tcp|fork)")
	if err != nil {
		return err
	}
	least := leastOf(all, "min-ns/op")
	if len(least[way]) == 0 {
		return errors.New("nothing was counted")
	}
	var errs []error
	for _, op := range slices.Sorted(maps.Keys(least[way])) {
		base := least["nothing"][op]
		name, added := "instructions/"+kernel+"/"+op, max(0, least[way][op]-base)
		fmt.Printf("budget %s %.0f\n", name, added)
		if os.Getenv("BUDGET") == "new" {
			continue
		}
		uncertain := base / 100
		if op == "fork_exec_exit" {
			uncertain *= 3
		}
		errs = append(errs, budget.Judge(name, added, budget.Instructions, uncertain))
	}
	return errors.Join(errs...)
}
