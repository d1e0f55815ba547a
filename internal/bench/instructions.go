package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const unattached = "nothing attached" // a column

// counted are the kernels in which instructions are counted: one with trampolines, and one without.
var counted = []string{"amd64:6.12", "arm64:6.1"}

func instructionsPart() part {
	return part{
		name:  "instructions",
		title: "Instructions per operation",
		about: "In a VM that counts instructions, on Debian's kernels. What is added to an operation, and as a part of it. " +
			"`counters` is a pipeline of metrics only, `default` one of logs as well, `all` has all classes of events, " +
			"`fallback` is `default` by tracepoints under syscalls/ and what else there is without fentry, fexit and kprobes. " +
			"arm64:6.1 has no fentry and no fexit anyway. The others are programs of Debian 12 with rules for about the same: " +
			"executions, opens in /etc, connections.",
		measure: func() (table, error) {
			var t table
			for _, kernel := range counted {
				all, err := inVM(kernel)
				if err != nil {
					return t, fmt.Errorf("%s: %w", kernel, err)
				}
				added(&t, kernel, all)
			}
			return t, nil
		},
	}
}

// inVM runs benchmarks of the sensor where a nanosecond is an instruction.
func inVM(kernel string) ([]result, error) {
	arch, _, _ := strings.Cut(kernel, ":")
	binary, err := buildBenchmarks(arch)
	if err != nil {
		return nil, err
	}
	args, env := []string{"run", kernel, "-a", "nokaslr mitigations=auto"}, vmEnv(arch)
	if peers := os.Getenv("COST_PEERS"); peers != "" && arch == "amd64" {
		if peers, err = filepath.Abs(peers); err != nil {
			return nil, err
		}
		args = append(args, "-f", peers)
		env = append(env, "COST_PEERS="+peers, "RIK_ENV=COST_PEERS", "RIK_MEM=4096")
	}
	c := exec.Command("../../testdata/kernels/run-in-kernel.sh",
		append(args, "--", binary, "-test.run", "^$", "-test.bench", "^BenchmarkKernel$", "-test.benchtime", "1x", "-test.timeout", "3h")...)
	c.Dir = "internal/sensor"
	c.Env = append(os.Environ(), env...)
	return measured(c)
}

// buildBenchmarks builds those of the sensor, as one program.
func buildBenchmarks(arch string) (string, error) {
	binary, err := filepath.Abs(filepath.Join("build/kernels", "cost-"+arch+".test"))
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "test", "-c", "-o", binary, "./internal/sensor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
}

func vmEnv(arch string) []string {
	cpu := " -cpu max,-la57"
	if arch == "arm64" {
		cpu = ""
	}
	return []string{"RIK_ACCEL=tcg,thread=single", "RIK_TIMEOUT=7200", "RIK_QEMU=-icount shift=0,sleep=on" + cpu}
}

// leastOf is the least figure of each way and operation: what disturbs only adds.
func leastOf(all []result) map[string]map[string]float64 {
	least := make(map[string]map[string]float64)
	for _, r := range all {
		if len(r.sub) != 3 {
			continue
		}
		of := least[r.sub[1]]
		if of == nil {
			of = make(map[string]float64)
			least[r.sub[1]] = of
		}
		if v, ok := of[r.sub[2]]; !ok || r.figures["undisturbed-ns/op"] < v {
			of[r.sub[2]] = r.figures["undisturbed-ns/op"]
		}
	}
	return least
}

// added makes rows of operations, and columns of what is added to them by each way.
func added(t *table, kernel string, all []result) {
	least := leastOf(all)
	var ways, operations []string
	for _, r := range all {
		if len(r.sub) != 3 {
			continue
		}
		if way := r.sub[1]; way != "nothing" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
		if op := r.sub[2]; !slices.Contains(operations, op) {
			operations = append(operations, op)
		}
	}
	if len(t.Head) == 0 {
		t.Head = append([]string{"kernel", "operation", unattached}, ways...)
	}
	for _, op := range operations {
		base := least["nothing"][op]
		cells := []string{kernel, op, fmt.Sprintf("%.0f", base)}
		for _, way := range ways {
			with := least[way][op]
			cells = append(cells, fmt.Sprintf("+%.0f (%.4f)", max(0, with-base), with/base))
		}
		for len(cells) < len(t.Head) {
			cells = append(cells, "")
		}
		t.row(cells...)
	}
}
