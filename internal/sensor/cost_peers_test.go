//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A peer is what users could run in place of the sensor, with rules for about
// the same: executions, opens in /etc, connections.
type peer struct {
	name string
	run  [][]string // programs that stay
	then [][]string // programs that set it up
	bpf  int        // programs that the kernel has then
}

func peers() []peer {
	return []peer{
		{
			name: "auditd",
			run:  [][]string{{"/sbin/auditd", "-n"}},
			then: [][]string{
				{"/sbin/auditctl", "-D"},
				{"/sbin/auditctl", "-b", "65536"},
				{"/sbin/auditctl", "-a", "always,exit", "-F", "arch=b64", "-S", "execve,execveat"},
				{"/sbin/auditctl", "-w", "/etc", "-p", "rwa"},
				{"/sbin/auditctl", "-a", "always,exit", "-F", "arch=b64", "-S", "connect"},
			},
		},
		{
			name: "bpftrace",
			run: [][]string{{"/usr/bin/bpftrace", "-e", `
				tracepoint:syscalls:sys_enter_execve { printf("%d %s\n", pid, str(args->filename)); }
				tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args->filename)); }
				kprobe:tcp_connect { printf("%d\n", pid); }`}},
			bpf: 3,
		},
		{
			name: "libbpf-tools",
			run:  [][]string{{"/usr/sbin/execsnoop"}, {"/usr/sbin/opensnoop"}, {"/usr/sbin/tcpconnect"}},
			bpf:  6,
		},
	}
}

// start runs a peer in the root directory that has it, and waits until it is ready.
func (p peer) start(b *testing.B, root string) (stop func()) {
	b.Helper()
	before := programs()
	var running []*exec.Cmd
	in := func(args []string) *exec.Cmd {
		c := exec.Command(args[0], args[1:]...)
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		c.Dir = "/"
		return c
	}
	for _, dir := range []string{"proc", "sys", "dev"} {
		if err := unix.Mount("/"+dir, filepath.Join(root, dir), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			b.Fatal(dir, err)
		}
	}
	said, err := os.Create(filepath.Join(b.TempDir(), "said")) // by all of them
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{}, len(p.run))
	for _, args := range p.run {
		c := in(args)
		c.Stderr = said
		if err := c.Start(); err != nil {
			b.Fatal(args, err)
		}
		running = append(running, c)
		go func() { _ = c.Wait(); ended <- struct{}{} }()
	}
	time.Sleep(time.Second)
	for _, args := range p.then {
		if out, err := in(args).CombinedOutput(); err != nil {
			b.Fatal(strings.Join(args, " "), err, string(out))
		}
	}
	for deadline := time.Now().Add(5 * time.Minute); programs()-before < p.bpf; time.Sleep(time.Second) {
		if len(ended) > 0 || time.Now().After(deadline) {
			text, _ := os.ReadFile(said.Name())
			b.Fatalf("%s has %d programs instead of %d, and said %q", p.name, programs()-before, p.bpf, text)
		}
	}
	time.Sleep(2 * time.Second)
	if len(ended) > 0 {
		text, _ := os.ReadFile(said.Name())
		b.Fatalf("%s has ended, and said %q", p.name, text)
	}
	return func() {
		if p.then != nil {
			_ = in([]string{"/sbin/auditctl", "-D"}).Run()
			_ = in([]string{"/sbin/auditctl", "-e", "0"}).Run()
		}
		_ = said.Close()
		for _, c := range running {
			_ = c.Process.Signal(unix.SIGTERM)
		}
		kill := time.AfterFunc(time.Minute, func() {
			for _, c := range running {
				_ = c.Process.Kill()
			}
		})
		for range running {
			<-ended
		}
		kill.Stop()
		for _, dir := range []string{"proc", "sys", "dev"} {
			_ = unix.Unmount(filepath.Join(root, dir), unix.MNT_DETACH)
		}
	}
}

// programs is how many BPF programs the kernel has.
func programs() (n int) {
	for id := ebpf.ProgramID(0); ; n++ {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			return n
		}
	}
}
