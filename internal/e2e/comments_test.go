//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestExamplesOnOneMachine runs what the comments of examples say that one may
// try, with all defaults, in namespaces where nothing else is.
func TestExamplesOnOneMachine(t *testing.T) {
	for _, example := range []string{"otlp.yaml", "gateway-agent.yaml"} {
		t.Run(example, func(t *testing.T) {
			commands := commented(t, example)
			r := newLoads(t)
			var script strings.Builder
			script.WriteString("set -eu\nip link set lo up\nmount --make-rprivate /\nmount -t tmpfs none /var/log\nmount -t tmpfs none /var/lib\n")
			for i, c := range commands {
				t.Log(c)
				script.WriteString(c)
				if !strings.HasPrefix(c, "export ") {
					fmt.Fprintf(&script, " > %s/%d.log 2>&1 &", r.dir, i)
				}
				script.WriteString("\n")
			}
			script.WriteString("echo started\nwait\n")
			pid := alone(t, script.String())
			t.Cleanup(func() {
				for i := range commands {
					log, _ := os.ReadFile(filepath.Join(r.dir, fmt.Sprint(i, ".log")))
					if t.Failed() {
						t.Logf("%s:\n%s", commands[i], log)
					}
				}
			})
			tr := newTrail(t)
			eventually(t, "the record of a program", func() bool {
				fatal(t, exec.Command(r.runs).Run())
				tr.follow(fmt.Sprintf("/proc/%d/root/var/log/ebpfsecurity/events.json", pid))
				return tr.execs[execution{r.runs, "user"}]+tr.execs[execution{r.runs, "suspicious"}] > 0
			})
			t.Logf("arrived: %v of %v", tr.classes, tr.hosts)
		})
	}
}

// commented finds commands in the comments of an example: they are indented.
func commented(t *testing.T, example string) (commands []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "examples", example))
	fatal(t, err)
	for line := range strings.Lines(string(page)) {
		if c, ok := strings.CutPrefix(line, "#   "); ok {
			commands = append(commands, strings.TrimSpace(c))
		}
	}
	if len(commands) == 0 {
		t.Fatalf("%s has no command", example)
	}
	return commands
}

// alone runs a script in namespaces of its own until the test ends.
func alone(t *testing.T, script string) (pid int) {
	t.Helper()
	bin, err := filepath.Abs(command().Path)
	fatal(t, err)
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = command().Dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	fatal(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // and all that it has started
		_ = cmd.Wait()
	})
	eventually(t, "a script that runs", func() bool {
		if s := said.String(); s != "" && s != "started\n" {
			t.Fatal(s)
		}
		return said.String() != ""
	})
	return cmd.Process.Pid
}
