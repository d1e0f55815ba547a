//go:build linux && (amd64 || arm64)

package sensor

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/budget"
)

var processed = regexp.MustCompile(`processed (\d+) insns`)

// TestKernelVerifiedInstructions keeps the programs, also those of fallbacks,
// far from what a verifier follows at most (1,000,000 instructions, Linux
// commit c04c0d2b968a), and the start of the receiver short.
func TestKernelVerifiedInstructions(t *testing.T) {
	needRoot(t)
	kernel := os.Getenv("RUN_IN_KERNEL")
	if kernel == "" {
		t.Skip("not on this kernel: others than those of the matrix have no budget")
	}
	verifierLog = ebpf.LogLevelStats
	defer func() { verifierLog = 0 }()
	most := make(map[string]int)
	o := everything()
	o.Report = allRecords()
	hooks := hooksFor(o)
	for _, h := range [][]hook{hooks, untrampolined(hooks)} {
		s := open(o, h)
		for _, served := range s.serving {
			m := processed.FindStringSubmatch(served.program.VerifierLog)
			if m == nil {
				t.Fatalf("the verifier says of %s: %q", served.name, served.program.VerifierLog)
			}
			n, err := strconv.Atoi(m[1])
			fatal(t, err)
			most[served.name] = max(most[served.name], n)
		}
		fatal(t, s.Close())
	}
	for _, name := range slices.Sorted(maps.Keys(most)) {
		budget.Keep(t, "verified/"+kernel+"/"+name, float64(most[name]), budget.Verified)
	}
}
