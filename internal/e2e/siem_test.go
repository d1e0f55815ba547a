//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A standard is how an example writes events as objects.
type standard struct {
	example string
	faults  func(object map[string]any) []string
	name    func(object map[string]any) string // of the event, as the record had it
	gap     func(object map[string]any) (class, reason any)
	expects func(e *expectation) fields
}

// read counts what an object tells of.
func (s *standard) read(t *testing.T) func(*arrivals, []byte) error {
	return func(a *arrivals, message []byte) error {
		object := parse(t, message)
		name := s.name(object)
		if name == "ebpfsecurity.gap" {
			class, reason := s.gap(object)
			n, _ := whole(at(object, "count"))
			if n == 0 {
				n, _ = whole(object["ebpfsecurity.gap.count"])
			}
			a.told++
			a.gaps[[2]string{fmt.Sprint(class), fmt.Sprint(reason)}] += uint64(n)
			return nil
		}
		class, known := classes[name]
		if !known {
			return fmt.Errorf("an event of the name %q", name)
		}
		a.classes[class]++
		return nil
	}
}

// actions are those of ECS, and the events that they are of.
var actions = map[string]string{
	"exec": "process.exec", "exit": "process.exit", "ptrace": "process.ptrace", "change-privilege": "privilege.change",
	"change-namespace": "namespace.change", "open": "file.open", "mount": "filesystem.mount", "connect": "network.connect",
	"accept": "network.accept", "close": "network.close", "send": "network.udp_send", "load-module": "kernel.module_load",
	"unload-module": "kernel.module_unload", "load-bpf": "kernel.bpf_load", "change-configuration": "config.changed", "gap": "gap",
}

// TestKafkaGetsECS and OCSF of all that a load does: each object is as its
// schema has it, and says what was done.
func TestKafkaGetsECS(t *testing.T) {
	schema := readSchema[ecs](t, "ecs.yaml")
	kafkaGets(t, &standard{
		example: "kafka-ecs.yaml", faults: schema.faults,
		name: func(object map[string]any) string { return own + actions[fmt.Sprint(object["event.action"])] },
		gap: func(object map[string]any) (any, any) {
			return object["ebpfsecurity.gap.class"], object["ebpfsecurity.gap.reason"]
		},
		expects: func(e *expectation) fields { return e.ecs },
	})
}

func TestKafkaGetsOCSF(t *testing.T) {
	schema := readSchema[ocsf](t, "ocsf.yaml")
	kafkaGets(t, &standard{
		example: "kafka-ocsf.yaml", faults: schema.faults,
		name: func(object map[string]any) string { return fmt.Sprint(at(object, "metadata.event_code")) },
		gap: func(object map[string]any) (any, any) {
			return at(object, "unmapped.ebpfsecurity.gap.class"), at(object, "unmapped.ebpfsecurity.gap.reason")
		},
		expects: func(e *expectation) fields { return e.ocsf },
	})
}

func kafkaGets(t *testing.T, s *standard) {
	// With so small a buffer for opens some of a flood are lost.
	o := newOutlet(t, s.example, s.read(t), "yaml:receivers::ebpfsecurity::events::rings::low: 4KiB")
	before := o.prime()
	expected, totals := o.doEverything()
	messages, _ := o.delivered(o.reported())
	o.arrivedAs(s, without(messages, before), expected, totals)

	o.do("open", o.watched, "20000")
	big := o.runBig()
	l := o.reported()
	messages, a := o.delivered(l)
	if l.of("file_open", "lost_ring") == 0 {
		t.Error("no opens were lost: no gap can be told")
	}
	if n := a.classes["exec"]; n != primed+totals["exec"]+big.runs {
		t.Errorf("%d objects of %d executions", n, primed+totals["exec"]+big.runs)
	}
	for _, m := range messages {
		o.valid(s, parse(t, m))
	}
	o.fitting(messages)
	o.understood()
	o.stop(t)
}

func (o *outlet) valid(s *standard, object map[string]any) {
	o.Helper()
	if faults := s.faults(object); len(faults) > 0 {
		o.Errorf("%.1000s in\n%.3000s", strings.Join(faults, ", "), show(object))
	}
}

// doEverything does one of each and tells what objects are to arrive of it.
func (o *outlet) doEverything() (expected []expectation, totals map[string]uint64) {
	o.Helper()
	fatal(o, os.WriteFile(filepath.Join(o.dir, "notes"), []byte("no program"), 0o600))
	l := o.begin("everything", o.dir)
	_ = l.stdin.Close()
	if err := l.Wait(); err != nil {
		o.Fatalf("%v: %s", err, &l.output)
	}
	line, err := bufio.NewReader(bytes.NewReader(l.output.Bytes())).ReadBytes('\n')
	fatal(o, err)
	var f facts
	fatal(o, json.Unmarshal(line, &f))
	o.Logf("done: %s", line)
	return o.expectations(&f, l.Process.Pid), map[string]uint64{
		"exec": 5, "exit": 6, "file_open": 2, "connect": 2, "accept": 1, "close": 2, "udp_send": 1, "privilege": 4,
		"ptrace": 2, "namespace": 1, "mount": 2, "bpf": 1,
	}
}

// without leaves out messages that were there before.
func without(messages, before [][]byte) [][]byte {
	return slices.DeleteFunc(slices.Clone(messages), func(m []byte) bool {
		return slices.ContainsFunc(before, func(b []byte) bool { return bytes.Equal(m, b) })
	})
}

// arrivedAs finds each object that is expected, once, and no others.
func (o *outlet) arrivedAs(s *standard, messages [][]byte, expected []expectation, totals map[string]uint64) {
	o.Helper()
	a := newArrivals()
	var objects []map[string]any
	for _, m := range messages {
		object := parse(o.T, m)
		objects = append(objects, object)
		o.Logf("%s: %s", s.name(object), object["message"])
		o.valid(s, object)
		fatal(o, s.read(o.T)(&a, m))
	}
	for class, want := range totals {
		if got := a.classes[class]; got != want {
			o.Errorf("%d events of class %s, and %d were made", got, class, want)
		}
	}
	for i := range expected {
		want := s.expects(&expected[i])
		found := 0
		for _, object := range objects {
			if has(object, want) {
				found++
			}
		}
		if found != 1 {
			o.Errorf("%s: %d objects have %v", expected[i].what, found, want)
		}
	}
}

// has tells whether an object has all these fields.
func has(object map[string]any, want fields) bool {
	for path, want := range want {
		got, _ := json.Marshal(at(object, path))
		if expected, _ := json.Marshal(want); !bytes.Equal(got, expected) {
			return false
		}
	}
	return true
}
