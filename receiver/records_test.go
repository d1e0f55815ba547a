package receiver

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

func TestRecordsAreExactlyTheGoldenOnes(t *testing.T) {
	for name, e := range samples() {
		p := sampleProcess()
		if name == "connect" {
			p = containerProcess()
		}
		compareGolden(t, name, written(t, p, e).logs)
	}
	unknown := anEvent(event.FileOpen, func(e *event.Event) { e.File.Path = []byte("/etc/hosts") })
	unknown.Actor = event.Actor{PID: 42, TID: 42, Comm: [16]byte{'x'}}
	compareGolden(t, "unknown_process", written(t, &process.Process{}, unknown).logs)
}

func compareGolden(t *testing.T, name string, got plog.Logs) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".yaml")
	if *update {
		require.NoError(t, golden.WriteLogsToFile(file, got))
	}
	want, err := golden.ReadLogs(file)
	require.NoError(t, err)
	assert.NoError(t, plogtest.CompareLogs(want, got), name) // which says what differs, but does not look at all of it
	assert.Equal(t, want, got, name)
}

// declaration is what metadata.yaml says of the records.
type declaration struct{ attributes, events map[string]any }

func declared(t testing.TB) declaration {
	conf, err := confmaptest.LoadConf("metadata.yaml")
	require.NoError(t, err)
	all := conf.ToStringMap()
	return declaration{all["attributes"].(map[string]any), all["events"].(map[string]any)}
}

// check finds what of a record is not declared.
func (d declaration) check(r plog.LogRecord) error {
	e, ok := d.events[r.EventName()].(map[string]any)
	if !ok {
		return fmt.Errorf("event %s is not declared", r.EventName())
	}
	for key, value := range r.Attributes().All() {
		if !contains(e["attributes"], key) {
			return fmt.Errorf("%s: attribute %s is not declared", r.EventName(), key)
		}
		a := d.attributes[key].(map[string]any)
		if want := map[string]pcommon.ValueType{
			"string": pcommon.ValueTypeStr, "int": pcommon.ValueTypeInt, "bool": pcommon.ValueTypeBool, "slice": pcommon.ValueTypeSlice,
		}[a["type"].(string)]; value.Type() != want {
			return fmt.Errorf("%s: attribute %s is a %s", r.EventName(), key, value.Type())
		}
		if a["enum"] != nil && !contains(a["enum"], value.Str()) {
			return fmt.Errorf("%s: attribute %s cannot be %q", r.EventName(), key, value.Str())
		}
	}
	return nil
}

func contains(list any, want string) bool {
	for _, item := range list.([]any) {
		if item == want {
			return true
		}
	}
	return false
}

func TestEveryAttributeIsDeclared(t *testing.T) {
	d := declared(t)
	used := make(map[string]bool)
	check := func(r plog.LogRecord) {
		assert.NoError(t, d.check(r))
		used[r.EventName()] = true
		seen := make(map[string]bool)
		for key := range r.Attributes().All() {
			assert.False(t, seen[key], "%s has %s twice", r.EventName(), key)
			used[key], seen[key] = true, true
		}
	}
	for _, e := range samples() {
		check(only(written(t, sampleProcess(), e).logs))
	}
	r := plog.NewLogRecord()
	new(writer).gap(r, gap{event.Exec, event.LostRing, 1, sampleTime, sampleNow}, sampleNow)
	check(r)
	for _, c := range checkSamples() {
		check(only(told(t, c).logs))
	}
	for name, e := range d.events {
		assert.True(t, used[name], "nothing emits %s", name)
		for _, key := range e.(map[string]any)["attributes"].([]any) {
			assert.True(t, used[key.(string)], "nothing emits %s", key)
		}
	}
}

// only is the one record that there is.
func only(logs plog.Logs) plog.LogRecord {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func TestEveryRecordIsOfTheClassThatItsNameSays(t *testing.T) {
	for name, e := range samples() {
		assert.Equal(t, e.Class, classOf(only(written(t, sampleProcess(), e).logs).EventName()), name)
	}
	assert.Equal(t, ofGaps, classOf("ebpfsecurity.gap"))
}

func TestBodiesAreSentences(t *testing.T) {
	p := sampleProcess()
	for name, want := range map[string]string{
		"exec":              "alice ran /usr/bin/cat /etc/shadow 'a b' (pid 42, by sshd)",
		"exec_failed":       "alice could not run ./missing -x: ENOENT (bash, pid 42)",
		"exit":              "bash (pid 42, alice) ended with code 3",
		"file_open":         "alice opened /etc/passwd to write (bash, pid 42)",
		"file_open_denied":  "alice was not allowed to open /etc/hosts to read: EACCES (bash, pid 42)",
		"connect":           "alice connected to 192.0.2.1:443 (bash, pid 42)",
		"connect_refused":   "alice could not connect to [::1]:22: ECONNREFUSED (bash, pid 42)",
		"privilege_gained":  "user 1000 became user 0 with setuid (bash, pid 42)",
		"privilege_refused": "user 1000 was not allowed to change rights with setgid: EPERM (bash, pid 42)",
		"unshare":           "alice changed namespaces with unshare: mnt, pid, net (bash, pid 42)",
		"mount":             "alice mounted tmpfs of type tmpfs on /mnt/x (bash, pid 42)",
	} {
		assert.Equal(t, want, only(written(t, p, samples()[name]).logs).Body().Str(), name)
	}
	assert.Equal(t, "user 1000 connected to 192.0.2.1:443 (bash, pid 42) in container c0ffee00c0ff",
		only(written(t, containerProcess(), samples()["connect"]).logs).Body().Str())
}

// TestABodyCannotAttackATerminal: who reads it may not be lied to.
func TestABodyCannotAttackATerminal(t *testing.T) {
	evil := "\x1b[2J\x1b]0;root\x07\r\nok\x7f\u009b31m\u202e\u200b\xff\x00"
	p := sampleProcess()
	p.User, p.Image.Name, p.Parent.Name = evil, evil, evil
	for name, e := range samples() {
		e.Exec.Path, e.Exec.Args = []byte(evil), []byte("x\x00"+evil)
		e.File.Path, e.Module.Name, e.Module.Path, e.BPF.Name = []byte(evil), []byte(evil), []byte(evil), []byte(evil)
		e.Mount.Device, e.Mount.Type, e.Mount.Target = []byte(evil), []byte(evil), []byte(evil)
		assert.NoError(t, harmless(only(written(t, p, e).logs).Body().Str()), name)
	}
	e := anEvent(event.Exec, ran1(evil, "x", evil))
	path, _ := only(written(t, p, e).logs).Attributes().Get("process.executable.path")
	assert.Equal(t, strings.ToValidUTF8(evil, "\uFFFD"), path.Str(), "attributes have the true text")
}

// harmless finds characters that do more than show.
func harmless(body string) error {
	for i, r := range body {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%U at %d of %q", r, i, body)
		}
	}
	if !utf8.ValidString(body) {
		return fmt.Errorf("%q is no UTF-8", body)
	}
	return nil
}

func TestAnArgumentCannotLookLikeSeveral(t *testing.T) {
	var s sentence
	s.words([]string{"a", "", "b c", "d' 'e", `\`, "f\ng"})
	assert.Equal(t, ` a '' 'b c' 'd\' \'e' '\\' 'f\ng'`, string(s))
}

func TestArgumentsAreCut(t *testing.T) {
	for _, test := range []struct {
		args    string
		total   uint32
		most    int
		want    []any
		line    string
		cut     int64
		nothing bool
	}{
		{args: "a\x00b\x00", total: 4, most: 100, want: []any{"a", "b"}, line: "a b"},
		{args: "a\x00\x00b\x00", total: 5, most: 100, want: []any{"a", "", "b"}, line: "a  b"},
		{args: "\x00", total: 1, most: 100, want: []any{""}, nothing: true},
		{args: "a\x00bcd", total: 100, most: 100, want: []any{"a", "bcd"}, line: "a bcd", cut: 95},
		{args: "a\x00bcd\x00", total: 6, most: 3, want: []any{"a", "b"}, line: "a b", cut: 3},
		{args: "a\x00b\x00", total: 4, most: 0, nothing: true, cut: 4},
		{args: "", total: 0, most: 100, nothing: true},
	} {
		e := anEvent(event.Exec, ran1("/bin/x"))
		e.Exec.Args, e.Exec.ArgsTotal = []byte(test.args), test.total
		r := plog.NewLogRecord()
		w := writer{maxArgs: test.most}
		w.write(r, e, sampleProcess(), sampleNow)
		got := r.Attributes().AsRaw()
		if test.want != nil {
			assert.Equal(t, test.want, got["process.command_args"], "%q", test.args)
		} else {
			assert.NotContains(t, got, "process.command_args", "%q", test.args)
		}
		if !test.nothing {
			assert.Equal(t, test.line, got["process.command_line"], "%q", test.args)
		}
		if test.cut > 0 {
			assert.Equal(t, test.cut, got["ebpfsecurity.args_truncated_bytes"], "%q", test.args)
		} else {
			assert.NotContains(t, got, "ebpfsecurity.args_truncated_bytes", "%q", test.args)
		}
	}
}
