//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// A sample is a record that the receiver makes, of which receiver/testdata/golden
// has one of each kind.
type sample struct {
	plog.LogRecord
	name     string
	resource pcommon.Map
}

// samples are the golden records and one of a gap, by their bodies.
func samples(t *testing.T) (logs plog.Logs, all map[string]sample) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "receiver", "testdata", "golden", "*.yaml"))
	fatal(t, err)
	logs, all = plog.NewLogs(), make(map[string]sample)
	add := func(name string, more plog.Logs) {
		rl := more.ResourceLogs().At(0)
		if of := rl.Resource().Attributes(); text(of, "container.id") != "" { // what k8s_attributes adds
			of.PutStr("k8s.pod.name", "shop-0")
			of.PutStr("k8s.namespace.name", "sales")
			of.PutStr("k8s.container.name", "web")
			of.PutStr("container.image.name", "registry.example.com/shop")
		}
		s := sample{plog.NewLogRecord(), name, rl.Resource().Attributes()}
		rl.ScopeLogs().At(0).LogRecords().At(0).CopyTo(s.LogRecord)
		if _, twice := all[s.Body().Str()]; twice {
			t.Fatalf("two records say %q", s.Body().Str())
		}
		all[s.Body().Str()] = s
		rl.CopyTo(logs.ResourceLogs().AppendEmpty())
	}
	for _, file := range files {
		more, err := golden.ReadLogs(file)
		fatal(t, err)
		add(strings.TrimSuffix(filepath.Base(file), ".yaml"), more)
	}
	add("gap", gapRecord())
	return logs, all
}

// gapRecord is as the receiver makes it.
func gapRecord() plog.Logs {
	logs := plog.NewLogs()
	r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetEventName("ebpfsecurity.gap")
	r.SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	r.SetObservedTimestamp(r.Timestamp())
	r.SetSeverityNumber(plog.SeverityNumberError)
	r.SetSeverityText("ERROR")
	r.Body().SetStr("7 events of class exec are missing")
	_ = r.Attributes().FromRaw(map[string]any{
		"ebpfsecurity.gap.class": "exec", "ebpfsecurity.gap.reason": "lost_ring", "ebpfsecurity.gap.count": 7,
		"ebpfsecurity.gap.start": "2026-01-02T03:04:04.5Z", "ebpfsecurity.gap.end": "2026-01-02T03:04:05Z",
	})
	return logs
}

var documented = regexp.MustCompile(`(?m)^### (ebpfsecurity\.[a-z_.]+)$`)

// TestSamplesAreOfEveryEvent: what the documentation of the receiver names.
func TestSamplesAreOfEveryEvent(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "receiver", "documentation.md"))
	fatal(t, err)
	_, all := samples(t)
	names := make(map[string]bool)
	for _, s := range all {
		names[s.EventName()] = true
		if _, ok := mapped[s.name]; !ok {
			t.Errorf("nobody says what becomes of %s", s.name)
		}
	}
	for _, match := range documented.FindAllStringSubmatch(string(page), -1) {
		if !names[match[1]] {
			t.Errorf("no sample of %s", match[1])
		}
	}
}

// mapSamples sends the samples through the pipeline of an example and gives the
// objects that arrive, by their messages.
func mapSamples(t *testing.T, example string, env ...string) map[string]map[string]any {
	t.Helper()
	o, all := newBroker(t).sendSamples(example, env...)
	var messages [][]byte
	eventually(t, "as many messages as records", func() bool {
		messages = o.kafka.messages()
		return len(messages) >= len(all)
	})
	objects := make(map[string]map[string]any)
	for _, m := range messages {
		object := parse(t, m)
		objects[fmt.Sprint(object["message"])] = object
	}
	if len(messages) != len(all) || len(objects) != len(all) {
		t.Errorf("%d messages about %d records say %d things", len(messages), len(all), len(objects))
	}
	o.understood()
	o.stop(t)
	return objects
}

// sendSamples starts an example, and gives its pipeline the samples in place of
// what the receiver sees.
func (b *broker) sendSamples(example string, env ...string) (o *outlet, all map[string]sample) {
	b.t.Helper()
	address := freeAddress(b.t)
	env = append(env, "yaml:receivers::otlp::protocols::http::endpoint: "+address, "yaml:service::pipelines::logs::receivers: [otlp]")
	for _, probe := range []string{"process", "network", "file", "privilege", "kernel"} {
		env = append(env, "yaml:receivers::ebpfsecurity::probes::"+probe+"::enabled: false")
	}
	o = b.outlet(example, nil, env...)
	logs, all := samples(b.t)
	body, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	fatal(b.t, err)
	eventually(b.t, "a receiver of OTLP", func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	})
	response, err := http.Post("http://"+address+"/v1/logs", "application/x-protobuf", bytes.NewReader(body))
	fatal(b.t, err)
	fatal(b.t, response.Body.Close())
	if response.StatusCode != http.StatusOK {
		b.t.Fatal(response.Status)
	}
	return o, all
}

// understood: no statement of the transform processor failed.
func (o *outlet) understood() {
	o.Helper()
	for line := range strings.Lines(o.output.String()) {
		if strings.Contains(line, "failed to execute") {
			o.Error(line)
		}
	}
}

func parse(t *testing.T, message []byte) (object map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(message))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatalf("%v: %.500q", err, message)
	}
	return object
}

// sameAs compares a value of JSON with an attribute, whose text ids may have become.
func sameAs(got any, want pcommon.Value) bool {
	if got == nil {
		return false
	}
	if want.Type() == pcommon.ValueTypeSlice {
		list, ok := got.([]any)
		return ok && slices.EqualFunc(list, want.Slice().AsRaw(), func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	}
	return fmt.Sprint(got) == want.AsString()
}

// show prints an object, one field to a line.
func show(object map[string]any) string {
	var b strings.Builder
	for _, field := range slices.Sorted(maps.Keys(object)) {
		value, _ := json.Marshal(object[field])
		fmt.Fprintf(&b, "  %s: %s\n", field, value)
	}
	return b.String()
}
