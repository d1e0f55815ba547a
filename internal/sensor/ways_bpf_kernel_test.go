//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestKernelBPF(t *testing.T) {
	bpf := func(n uint64, command event.BPFCommand, result event.Result) (c Counts) {
		c.BPF[command][result] = n
		return c
	}
	attached := bpf(2, event.ProgLoad, event.Success)
	attached.BPF[event.Attach][event.Success] = 3
	attached.BPF[event.Attach][event.Failure] = 2
	eachWay(t, []string{"kernel.bpf"}, func(t *testing.T, s *Sensor) {
		h := startHelper(t)
		for _, c := range []struct {
			name string
			deed []string
			want Counts
		}{
			{"maps", []string{"bpfMap", "20", ""}, bpf(20, event.MapCreate, event.Success)},
			{"maps that cannot be", []string{"bpfMap", "5", "EINVAL"}, bpf(5, event.MapCreate, event.Failure)},
			{"programs", []string{"bpfProg", "20", ""}, bpf(20, event.ProgLoad, event.Success)},
			{"programs that cannot be", []string{"bpfProg", "5", "EINVAL"}, bpf(5, event.ProgLoad, event.Failure)},
			{"programs that are attached", []string{"bpfAttach", testCgroup()}, attached},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.t = t
				same(t, s.counted(t, func() { h.do(c.deed[0], c.deed[1:]...) }), c.want)
			})
		}
	})
}

// TestKernelBPFOfItself does what sensors do, from the cgroup that is counted.
func TestKernelBPFOfItself(t *testing.T) {
	eachWay(t, []string{"kernel.bpf"}, func(t *testing.T, s *Sensor) {
		moveTo(t, testCgroup())
		defer moveTo(t, cgroup2Root(""))
		same(t, s.counted(t, func() {
			m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
			fatal(t, err)
			fatal(t, m.Close())
			fatal(t, Open(Options{Process: true}).Close())
		}), Counts{})
	})
}

func moveTo(t *testing.T, cgroup string) {
	t.Helper()
	procs := filepath.Join(cgroup, "cgroup.procs")
	fatal(t, os.WriteFile(procs, []byte(fmt.Sprint(os.Getpid())), 0o600))
}
