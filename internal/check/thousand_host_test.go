//go:build linux && host

package check

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

// crowd makes processes that sleep. Each listens on a socket of its own, or all
// on all of them, as those of a server that forks do. It says when they do.
const crowd = `
import os, signal, socket, sys
processes, shared = int(sys.argv[1]), sys.argv[2] == "shared"
def listen(n):
    s = socket.socket()
    s.bind(("127.0.0.1", 10000 + n))
    s.listen(1)
    return s
sockets = [listen(n) for n in range(processes)]
for n in range(processes):
    if os.fork() == 0:
        if not shared:
            for other in sockets[:n] + sockets[n+1:]:
                other.close()
        os.write(1, b".")
        signal.pause()
        os._exit(0)
os.write(1, b".")
signal.pause()
`

// BenchmarkThousand looks at 1,000 processes and 1,000 sockets of the kernel's:
// each process with one of them, and each with all of them. It is a whole run
// of the checks at the normal pace.
func BenchmarkThousand(b *testing.B) {
	if os.Getenv("INSIDE") != b.Name() {
		for _, kind := range []string{"own", "shared"} {
			b.Run(kind, func(b *testing.B) { thousandInside(b, kind) })
		}
		return
	}
	if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
		b.Fatal(err)
	}
	kind := os.Getenv("CROWD")
	startCrowd(b, 1000, kind)
	r := newRunner(All(), hostAt(b, "/").fs, DefaultOptions(), nil, nil)
	defer reportCPU(b)()
	for b.Loop() {
		r.runAll(b.Context(), Normal)
	}
	want := map[string]Status{"own": OK, "shared": Error}[kind] // a million descriptors are too many
	for _, o := range outcomes(r) {
		if o.Check == "ports" && (o.Status != want || len(o.Points) != 1000) {
			b.Errorf("ports: %d points, %v", len(o.Points), o.Err)
		}
	}
}

// thousandInside runs the benchmark where there are no other processes.
func thousandInside(b *testing.B, kind string) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		exe, "-test.run", "^$", "-test.bench", "^BenchmarkThousand$", "-test.benchtime", "5x")
	cmd.Env = append(os.Environ(), "INSIDE=BenchmarkThousand", "CROWD="+kind)
	out, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`([0-9.]+) cpu-s/run`).FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("%v\n%s", err, out)
	}
	seconds, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(seconds, "cpu-s/run")
	b.ReportMetric(0, "ns/op")
}

func startCrowd(b *testing.B, processes int, kind string) {
	cmd := exec.CommandContext(b.Context(), "/usr/bin/python3", "-c", crowd, fmt.Sprint(processes), kind)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	r := bufio.NewReader(out)
	for range processes + 1 {
		if _, err := r.ReadByte(); err != nil {
			b.Fatal(err)
		}
	}
}
