//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A ran is what an auditor wants to know of a program that ran.
type ran struct {
	time         time.Time
	pid, ppid    int64
	comm, parent string // names of the process and of its parent
	file         string
	args         []string
}

// A known program ran before our eyes: after time, and not after until.
type known struct {
	ran
	until time.Time
}

// differs says in what a record is not what happened.
func (k known) differs(r ran) string {
	at := r.time
	r.time = k.time
	switch {
	case at.Before(k.time) || at.After(k.until):
		return fmt.Sprintf("at %s, and not from %s to %s", at, k.time, k.until)
	case !slices.Equal(r.args, k.args):
		return fmt.Sprintf("arguments %q, and not %q", r.args, k.args)
	}
	r.args, k.args = nil, nil
	if got, want := fmt.Sprintf("%+v", r), fmt.Sprintf("%+v", k.ran); got != want {
		return fmt.Sprintf("%s, and not %s", got, want)
	}
	return ""
}

// runKnown runs programs, the last of them by another process. They are given numbers,
// something by chance, and what may be misread.
func (r *rig) runKnown(from, n, size int) (all []known) {
	r.Helper()
	self, err := os.ReadFile(filepath.Join(r.dir, "load"))
	fatal(r, err)
	r.write("a load of a long name", self)
	programs := []string{r.runs, r.write("a program of a long name", program())}
	for i := range n {
		chance := make([]byte, size)
		_, _ = rand.Read(chance)
		args := []string{"zero", strconv.Itoa(from + i), base64.StdEncoding.EncodeToString(chance), "two words\tand\\t\n\"é\""}
		all = append(all, r.runOne(programs[i%2], args))
	}
	return append(all, r.runByOther(from+n))
}

func (r *rig) runOne(file string, args []string) known {
	r.Helper()
	k := known{ran: ran{time: time.Now(), file: file, args: args}}
	pid, err := syscall.ForkExec(file, args, &syscall.ProcAttr{})
	fatal(r, err)
	fatal(r, ended(pid))
	k.until = time.Now()
	k.ask(r, pid)
	_, err = syscall.Wait4(pid, nil, 0, nil)
	fatal(r, err)
	return k
}

// runByOther has another process than this one run a program.
func (r *rig) runByOther(n int) known {
	r.Helper()
	k := known{ran: ran{time: time.Now(), file: r.runs, args: []string{r.runs, strconv.Itoa(n)}}}
	cmd := exec.Command(filepath.Join(r.dir, "a load of a long name"), k.args...)
	cmd.Env = append(os.Environ(), "E2E_DEED=runHeld")
	stdin, err := cmd.StdinPipe()
	fatal(r, err)
	stdout, err := cmd.StdoutPipe()
	fatal(r, err)
	fatal(r, cmd.Start())
	var pid int
	_, err = fmt.Fscan(stdout, &pid)
	fatal(r, err)
	k.until = time.Now()
	k.ask(r, pid)
	fatal(r, stdin.Close())
	fatal(r, cmd.Wait())
	return k
}

// runHeld PROGRAM number runs a program, says which pid it has, and lets it
// go when standard input ends.
func runHeld(args []string) error {
	pid, err := syscall.ForkExec(args[0], args, &syscall.ProcAttr{})
	if err != nil {
		return err
	}
	if err := ended(pid); err != nil {
		return err
	}
	fmt.Println(pid)
	_, _ = os.Stdin.Read(make([]byte, 1))
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return err
}

// ended waits for a child's end, and leaves what the kernel tells of it.
func ended(pid int) error {
	return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
}

// ask the kernel what a process and its parent are called.
func (k *known) ask(r *rig, pid int) {
	r.Helper()
	ppid, err := strconv.ParseInt(stat(r, pid)[1], 10, 64)
	fatal(r, err)
	k.pid, k.ppid = int64(pid), ppid
	k.comm, k.parent = commOf(r, pid), commOf(r, int(ppid))
}

func commOf(r *rig, pid int) string {
	r.Helper()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	fatal(r, err)
	return strings.TrimSuffix(string(name), "\n")
}

// stat has the fields of /proc/PID/stat from the state on.
func stat(r *rig, pid int) []string {
	r.Helper()
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	fatal(r, err)
	return strings.Fields(string(line)[strings.LastIndex(string(line), ")")+1:])
}

// comm is what the kernel calls a process that runs a program of this name.
func comm(name string) string { return name[:min(15, len(name))] }
