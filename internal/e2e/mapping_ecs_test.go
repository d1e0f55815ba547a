//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// ecsHomes has the fields that hold an attribute, if they are not of its name.
var ecsHomes = map[string][]string{
	"thread.id":                                   {"process.thread.id"},
	"thread.name":                                 {"process.thread.name"},
	"process.parent_pid":                          {"process.parent.pid"},
	"process.executable.path":                     {"process.executable"},
	"process.executable.name":                     {"process.name"},
	"process.command_args":                        {"process.args"},
	"process.creation.time":                       {"process.start"},
	"process.exit.code":                           {"process.exit_code"},
	"process.linux.cgroup":                        {"ebpfsecurity.process.cgroup"},
	"process.user.id":                             {"process.user.id", "user.id"},
	"process.user.name":                           {"process.user.name", "user.name", "related.user"},
	"ebpfsecurity.process.exec_id":                {"process.entity_id"},
	"ebpfsecurity.process.parent.exec_id":         {"process.parent.entity_id"},
	"ebpfsecurity.process.parent.executable.path": {"process.parent.executable"},
	"ebpfsecurity.process.group.id":               {"process.group.id"},
	"ebpfsecurity.process.real_group.id":          {"process.real_group.id"},
	"ebpfsecurity.process.saved_group.id":         {"process.saved_group.id"},
	"ebpfsecurity.gap.start":                      {"event.start"},
	"ebpfsecurity.gap.end":                        {"event.end"},
	"source.address":                              {"source.address", "source.ip"},
	"destination.address":                         {"destination.address", "destination.ip"},
	"system.device":                               {"volume.device_name"},
	"system.filesystem.type":                      {"volume.file_system_type"},
	"system.filesystem.mountpoint":                {"volume.mount_name"},
}

// inECS is where an attribute of a record is to be found.
func inECS(s *sample, attribute string) []string {
	change := s.EventName() == "ebpfsecurity.privilege.change"
	end, isLocal := strings.CutPrefix(attribute, "network.local.")
	if !isLocal {
		end = strings.TrimPrefix(attribute, "network.peer.")
	}
	switch {
	case change && attribute == "process.user.id":
		return []string{"process.user.id", "user.effective.id"}
	case change && attribute == "process.user.name":
		return []string{"process.user.name", "user.effective.name", "related.user"}
	case change && attribute == "ebpfsecurity.previous.user.id":
		return []string{attribute, "user.id"}
	case end != attribute: // local is the source of what goes out
		if isLocal != s.comesIn() {
			return []string{"source." + end}
		}
		return []string{"destination." + end}
	}
	if homes, ok := ecsHomes[attribute]; ok {
		return homes
	}
	return []string{attribute}
}

// comesIn tells whether another opened the connection. In the sample of an end he did.
func (s *sample) comesIn() bool { return s.name == "accept" || s.name == "close" }

// TestEveryEventHasAnECSObject with each attribute of its record.
func TestEveryEventHasAnECSObject(t *testing.T) {
	schema := readSchema[ecs](t, "ecs.yaml")
	objects := mapSamples(t, "kafka-ecs.yaml")
	_, all := samples(t)
	ids := make(map[any]bool)
	for message, s := range all {
		t.Run(s.name, func(t *testing.T) {
			object, there := objects[message]
			if !there {
				t.Fatalf("no object says %q", message)
			}
			t.Logf("\n%s", show(object))
			for _, fault := range schema.faults(object) {
				t.Error(fault)
			}
			ids[object["event.id"]] = true
			sameECS(t, &s, object)
		})
	}
	if len(ids) != len(all) {
		t.Errorf("%d ids of %d events", len(ids), len(all))
	}
}

// sameECS compares an object with its record.
func sameECS(t *testing.T, s *sample, object map[string]any) {
	t.Helper()
	for attribute, v := range s.Attributes().All() {
		for _, field := range inECS(s, attribute) {
			got := object[field]
			if field == "related.user" {
				got = texts(got)[0]
			}
			if !sameAs(got, v) {
				t.Errorf("%s is %v, and %s was %s", field, got, attribute, v.AsString())
			}
		}
	}
	host, err := os.Hostname()
	fatal(t, err)
	want := mapped[s.name]
	for field, want := range map[string]string{
		"@timestamp":                 s.Timestamp().AsTime().Format(time.RFC3339Nano),
		"event.created":              s.ObservedTimestamp().AsTime().Format(time.RFC3339Nano),
		"event.severity":             fmt.Sprint(int(s.SeverityNumber())),
		"log.level":                  strings.ToLower(s.SeverityText()),
		"event.action":               want.action,
		"event.category":             want.category,
		"event.type":                 want.types,
		"event.outcome":              want.outcome,
		"host.name":                  host,
		"host.os.type":               "linux",
		"container.id":               resourceText(s, "container.id"),
		"container.name":             resourceText(s, "k8s.container.name"),
		"container.image.name":       resourceText(s, "container.image.name"),
		"orchestrator.namespace":     resourceText(s, "k8s.namespace.name"),
		"orchestrator.resource.id":   resourceText(s, "k8s.pod.uid"),
		"orchestrator.resource.name": resourceText(s, "k8s.pod.name"),
		"network.direction":          direction(s, "ingress", "egress"),
	} {
		if got := strings.Join(texts(orNumber(object[field])), " "); got != want {
			t.Errorf("%s is %q instead of %q", field, got, want)
		}
	}
}

// orNumber makes a text of a number.
func orNumber(v any) any {
	if n, ok := whole(v); ok {
		return fmt.Sprint(n)
	}
	return v
}

func resourceText(s *sample, key string) string {
	return text(s.resource, key)
}

// direction is one of two words, of events of connections.
func direction(s *sample, in, out string) string {
	switch {
	case !strings.HasPrefix(s.EventName(), "ebpfsecurity.network."):
		return ""
	case s.comesIn():
		return in
	}
	return out
}
