//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// TestMain runs the tests, or serves one as its helper: a process that does what
// it is told, in a cgroup of the tests' own.
func TestMain(m *testing.M) {
	echoIfAsked()
	if os.Getenv("SENSOR_HELPER") != "" {
		go serveTest(os.Stdin, os.Stdout)
		for do := range onLeader {
			do()
		}
	}
	code := m.Run()
	for i := len(atEnd) - 1; i >= 0; i-- {
		if err := atEnd[i](); err != nil {
			fmt.Fprintln(os.Stderr, "clean up:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// atEnd are called when all tests are done, last first.
var atEnd []func() error

// A deed is what a helper can do, in terms of raw system calls wherever a library
// would do more than it is told.
type deed func(args []string) (string, error)

var deeds = map[string]deed{}

// can adds to what helpers can do. Use it as `var _ = can("fork", func…)`.
func can(name string, d deed) bool {
	deeds[name] = d
	return true
}

// onLeader are run on a helper's first thread; its deeds are done on another.
var onLeader = func() chan func() {
	if os.Getenv("SENSOR_HELPER") == "" {
		return nil
	}
	runtime.LockOSThread() // this is the first thread as long as packages are initialised
	return make(chan func())
}()

type answer struct{ Out, Err string }

// serveTest does what it is told by lists of strings until there are no more.
func serveTest(orders io.Reader, answers io.Writer) {
	runtime.LockOSThread()
	out := gob.NewEncoder(answers)
	_ = out.Encode(answer{Out: "ready"})
	for in := gob.NewDecoder(orders); ; {
		var order []string
		if err := in.Decode(&order); err != nil {
			os.Exit(0)
		}
		var a answer
		var err error
		if do := deeds[order[0]]; do == nil {
			err = errors.New("no such deed")
		} else {
			a.Out, err = do(order[1:])
		}
		if err != nil {
			a.Err = err.Error()
		}
		_ = out.Encode(a)
	}
}

// A helper is a child process in the tests' cgroup. It runs, and so is counted,
// before it is told to do anything.
type helper struct {
	t   *testing.T
	cmd *exec.Cmd
	in  *gob.Encoder
	out *gob.Decoder
	end func() // ends it and waits for that

	connect func() // starts talking to what runs in it
}

// startHelper starts a helper, changed by each of with before, and ends it with the test.
func startHelper(t *testing.T, with ...func(*exec.Cmd)) *helper {
	t.Helper()
	h := &helper{t: t, cmd: exec.Command("/proc/self/exe")}
	h.cmd.Env = append(os.Environ(), "SENSOR_HELPER=1", "GOMAXPROCS=2")
	h.cmd.Stderr = os.Stderr
	h.cmd.SysProcAttr = &syscall.SysProcAttr{}
	inCgroup("")(h.cmd)
	for _, change := range with {
		change(h.cmd)
	}
	defer closeCgroup(h.cmd)
	in, err := h.cmd.StdinPipe()
	fatal(t, err)
	out, err := h.cmd.StdoutPipe()
	fatal(t, err)
	fatal(t, h.cmd.Start())
	h.end = sync.OnceFunc(func() { _ = in.Close(); _ = h.cmd.Wait() })
	t.Cleanup(h.end)
	h.connect = func() {
		h.in, h.out = gob.NewEncoder(in), gob.NewDecoder(out)
		h.answer("start")
	}
	h.connect()
	return h
}

// do lets the helper do a deed and returns what came of it when it is done.
func (h *helper) do(deed string, args ...string) string {
	h.t.Helper()
	fatal(h.t, h.in.Encode(append([]string{deed}, args...)))
	return h.answer(deed)
}

// endBy lets the helper do a deed that does not return, and waits for its end.
func (h *helper) endBy(deed string, args ...string) {
	h.t.Helper()
	fatal(h.t, h.in.Encode(append([]string{deed}, args...)))
	var a answer
	if err := h.out.Decode(&a); err == nil {
		h.t.Fatalf("helper's %s returned: %s", deed, a.Err)
	}
	h.end()
}

func (h *helper) answer(deed string) string {
	h.t.Helper()
	var a answer
	if err := h.out.Decode(&a); err != nil {
		h.t.Fatalf("helper's %s: %v", deed, err)
	}
	if a.Err != "" {
		h.t.Fatalf("helper's %s: %s", deed, a.Err)
	}
	return a.Out
}

// opened gives a sensor that is opened when first asked for, and closed at the end.
// The test fails if a hook is not served, unless the kernel has not what it watches.
func opened(options func() Options) func(*testing.T) *Sensor {
	s := once(func() *Sensor { return Open(options()) })
	return func(t *testing.T) *Sensor {
		t.Helper()
		needRoot(t)
		mustServe(t, s().Hooks())
		return s()
	}
}

func once(open func() *Sensor) func() *Sensor {
	return sync.OnceValue(func() *Sensor {
		s := open()
		atEnd = append(atEnd, s.Close)
		return s
	})
}

func mustServe(t *testing.T, hooks []Hook) {
	t.Helper()
	for _, h := range hooks {
		if h.Program == "" && !lacks(h.Name) {
			t.Errorf("nothing serves %s: %v", h.Name, h.Err)
		}
	}
}

// lacks tells whether this kernel has not what a hook watches.
func lacks(hook string) bool {
	_, err := os.Stat("/proc/modules")
	return hook == "kernel.module" && err != nil
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not on this kernel: needs root")
	}
}

// counted tells what s counted while do ran.
func (s *Sensor) counted(t *testing.T, do func()) Counts {
	t.Helper()
	before, err := s.Count()
	fatal(t, err)
	do()
	after, err := s.Count()
	fatal(t, err)
	if n := after.Missed - before.Missed; n != 0 {
		t.Logf("the kernel skipped %d runs of programs, for the whole host", n)
	}
	return after.minus(before)
}

// minus subtracts all of b. All fields of Counts are 64 bits wide and wrap as one.
func (c Counts) minus(b Counts) Counts {
	c.each(func(_ string, i int, n *uint64) { *n -= b.all()[i] })
	return c
}

// fatal ends the test if there is an error.
func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same fails the test if not exactly the wanted was counted.
func same(t *testing.T, got, want Counts) {
	t.Helper()
	var wrong []string
	// What the kernel skipped no program can count; the sensor says how often that was.
	missed := int64(got.Missed)
	got.Missed, got.Ledger = want.Missed, want.Ledger
	wanted := want.all()
	got.each(func(name string, i int, n *uint64) {
		if diff := int64(*n - wanted[i]); diff < -missed || diff > missed {
			wrong = append(wrong, fmt.Sprintf("%s %+d instead of %+d", name, int64(*n), int64(wanted[i])))
		}
	})
	if wrong != nil {
		t.Error(strings.Join(wrong, "\n"))
	}
}

// many is how often a case does what it does: less often where each instruction is emulated.
var many = func() uint64 {
	if os.Getenv("RUN_IN_KERNEL") != "" {
		return 40
	}
	return 200
}()

// everything is all that can be watched.
func everything() Options {
	return Options{
		Process: true, Network: true, File: true, Privilege: true, Kernel: true,
		Watch:              []Watch{{"/etc/shadow", event.Critical, true, true}, {"/etc/pam.d/", event.Warning, false, true}},
		WorldWritableDirs:  []string{"/tmp", "/dev/shm", "/var/tmp"},
		SyscallTracepoints: true,
	}
}

// TestKernelHooks says which program serves each hook of this kernel.
func TestKernelHooks(t *testing.T) {
	needRoot(t)
	s := Open(everything())
	defer s.Close()
	for _, h := range s.Hooks() {
		t.Logf("%-18s %-16s %v", h.Name, h.Program, h.Err)
	}
	mustServe(t, s.Hooks())
}
