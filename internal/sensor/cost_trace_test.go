//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkTraced does each operation for a time, a getppid before each, and
// says so, while `go run ./internal/bench -only trace` looks at what the VM runs.
// It leaves the kernel's symbols in the directory COST_TRACE, in a file for each way of use.
func BenchmarkTraced(b *testing.B) {
	out := os.Getenv("COST_TRACE")
	if out == "" {
		b.Skip("serves go run ./internal/bench -only trace, which sets COST_TRACE")
	}
	const long = 400 * time.Millisecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := os.WriteFile("/proc/sys/net/core/bpf_jit_kallsyms", []byte("1"), 0); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	work := operations(b, dir)
	for _, way := range []string{"counters", "default"} {
		stop := startSensor(b, way, watchedFile)
		for _, op := range work {
			if op.name == "shell_job" {
				continue // too long to look at
			}
			for range 20 {
				op.do()
			}
			fmt.Println("traced", way, op.name)
			for start := time.Now(); time.Since(start) < long; {
				unix.Getppid()
				op.do()
			}
		}
		symbols, err := os.ReadFile("/proc/kallsyms")
		if err == nil {
			err = os.WriteFile(filepath.Join(out, way), symbols, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
		stop()
	}
}
