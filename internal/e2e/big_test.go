//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// growing are the arguments that grow most on the way, all as long as a record may
// have them: JSON has six bytes for a control character, UTF-8 three for a byte
// that is none, OTLP an element for each argument.
var growing = map[string][]string{
	"letters":  {strings.Repeat("a", 32000)},
	"controls": {strings.Repeat("\x01", 32000)},
	"no UTF-8": {strings.Repeat("\xff", 32000)},
	"quotes":   {strings.Repeat(`"`, 32000)},
	"empty":    slices.Repeat([]string{""}, 32000),
	"short":    slices.Repeat([]string{"\x01"}, 16000),
}

const bigRuns = 10 // of each

// A bigDone is what runBig did: processes of the type container, and programs that they ran.
type bigDone struct{ loads, runs uint64 }

// runBig runs a program with each of these arguments some times.
func (r *rig) runBig() bigDone {
	r.Helper()
	return bigDone{loads: 1, runs: r.do("runBig", r.runs, strconv.Itoa(bigRuns))["exec"]}
}

// runBig PROGRAM n runs a program n times with each of the big arguments.
func runBig(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for range n {
		for _, more := range growing {
			pid, err := syscall.ForkExec(args[0], append([]string{args[0]}, more...), &syscall.ProcAttr{})
			if err != nil {
				return err
			}
			if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
				return err
			}
		}
	}
	fmt.Println("exec", n*len(growing))
	return nil
}
