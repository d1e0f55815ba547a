//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// ofProcess are the attributes that lie below a process, and where.
var ofProcess = map[string][]string{
	"process.pid":                                 {"pid"},
	"process.vpid":                                {"namespace_pid"},
	"thread.id":                                   {"tid"},
	"process.executable.path":                     {"path", "file.path"},
	"process.executable.name":                     {"name", "file.name"},
	"process.command_line":                        {"cmd_line"},
	"process.working_directory":                   {"working_directory"},
	"process.creation.time":                       {"created_time"},
	"process.user.id":                             {"user.uid"},
	"process.user.name":                           {"user.name"},
	"process.parent_pid":                          {"parent_process.pid"},
	"ebpfsecurity.process.exec_id":                {"uid"},
	"ebpfsecurity.process.parent.exec_id":         {"parent_process.uid"},
	"ebpfsecurity.process.parent.executable.path": {"parent_process.path", "parent_process.file.path"},
}

// ofEvent are those that have one place.
var ofEvent = map[string][]string{
	"error.type":                     {"status_code"},
	"ebpfsecurity.sample_rate":       {"count"},
	"process.exit.code":              {"exit_code"},
	"network.transport":              {"connection_info.protocol_name"},
	"source.address":                 {"src_endpoint.ip"},
	"source.port":                    {"src_endpoint.port"},
	"destination.address":            {"dst_endpoint.ip"},
	"destination.port":               {"dst_endpoint.port"},
	"system.device":                  {"file.volume"},
	"system.filesystem.mountpoint":   {"file.path"},
	"file.inode":                     {"file.uid"},
	"ebpfsecurity.previous.user.id":  {"actor.user.uid", "actor.process.user.uid"},
	"ebpfsecurity.ptrace.target.pid": {"process.pid"},
	"ebpfsecurity.namespace.call":    {"kernel.name", "kernel.system_call"},
	"ebpfsecurity.bpf.program.name":  {"driver.file.name"},
	"ebpfsecurity.bpf.program.id":    {"driver.file.uid"},
	"ebpfsecurity.config.new.value":  {"security_states.0.state"},
	"ebpfsecurity.config.old.value":  {"prev_security_states.0.state"},
	"ebpfsecurity.config.new.result": {"security_level"},
	"ebpfsecurity.config.old.result": {"prev_security_level"},
	"ebpfsecurity.gap.count":         {"count"},
	"ebpfsecurity.gap.start":         {"start_time"},
	"ebpfsecurity.gap.end":           {"end_time"},
}

// inOCSF is where an attribute of a record is to be found.
func inOCSF(s *sample, attribute string) (paths []string) {
	ran := s.EventName() == "ebpfsecurity.process.exec" && s.name != "exec_failed"
	change := s.EventName() == "ebpfsecurity.privilege.change"
	below, isProcess := ofProcess[attribute]
	switch {
	case ran && strings.HasPrefix(below0(below), "parent_process."):
		for _, p := range below { // who launched it
			paths = append(paths, "actor.process."+strings.TrimPrefix(p, "parent_process."), "process."+p)
		}
		return paths
	case ran && isProcess, change && strings.HasPrefix(attribute, "process.user."):
		return prefixed("process.", below)
	case isProcess:
		return prefixed("actor.process.", below)
	case ran && attribute == "process.real_user.id":
		return []string{"actor.user.uid", "unmapped." + attribute}
	case ran && attribute == "process.real_user.name":
		return []string{"actor.user.name", "unmapped." + attribute}
	case attribute == "file.path":
		return []string{map[int64]string{1001: "file.path", 1002: "driver.file.path", 1007: "process.file.path"}[mapped[s.name].class]}
	}
	if paths, ok := ofEvent[attribute]; ok {
		return paths
	}
	return []string{"unmapped." + attribute}
}

func below0(below []string) string {
	if len(below) == 0 {
		return ""
	}
	return below[0]
}

func prefixed(prefix string, below []string) (paths []string) {
	for _, p := range below {
		paths = append(paths, prefix+p)
	}
	return paths
}

// TestEveryEventHasAnOCSFObject with each attribute of its record, nested and flat.
func TestEveryEventHasAnOCSFObject(t *testing.T) {
	schema := readSchema[ocsf](t, "ocsf.yaml")
	_, all := samples(t)
	for form, flat := range map[string]string{"nested": "false", "flat": "true"} {
		t.Run(form, func(t *testing.T) {
			objects := mapSamples(t, "kafka-ocsf.yaml", "OCSF_FLAT="+flat)
			uids := make(map[any]bool)
			for message, s := range all {
				t.Run(s.name, func(t *testing.T) {
					object, there := objects[message]
					if !there {
						t.Fatalf("no object says %q", message)
					}
					t.Logf("\n%s", show(object))
					if form == "flat" {
						isFlat(t, object)
					} else {
						for _, fault := range schema.faults(object) {
							t.Error(fault)
						}
					}
					uids[at(object, "metadata.uid")] = true
					sameOCSF(t, &s, object)
				})
			}
			if len(uids) != len(all) {
				t.Errorf("%d ids of %d events", len(uids), len(all))
			}
		})
	}
}

func isFlat(t *testing.T, object map[string]any) {
	t.Helper()
	for path, v := range object {
		if !plain(v) {
			t.Errorf("%s is not flat: %v", path, v)
		}
		if _, list := v.([]any); list {
			t.Errorf("%s is a list: %v", path, v)
		}
	}
}

// sameOCSF compares an object with its record.
func sameOCSF(t *testing.T, s *sample, object map[string]any) {
	t.Helper()
	for attribute, v := range s.Attributes().All() {
		if attribute == "ebpfsecurity.outcome" || strings.HasPrefix(attribute, "network.local.") || strings.HasPrefix(attribute, "network.peer.") || attribute == "network.type" {
			continue // status, and the ends of a connection by another name: below
		}
		for _, path := range inOCSF(s, attribute) {
			if got := valueAt(object, path, v); !sameAs(got, asOCSF(attribute, v)) {
				t.Errorf("%s is %v, and %s was %s", path, got, attribute, v.AsString())
			}
		}
	}
	host, err := os.Hostname()
	fatal(t, err)
	want := mapped[s.name]
	for path, want := range map[string]any{
		"time":                             s.Timestamp().AsTime().UnixMilli(),
		"metadata.logged_time":             s.ObservedTimestamp().AsTime().UnixMilli(),
		"metadata.event_code":              s.EventName(),
		"metadata.product.name":            "ebpfsecurity",
		"class_uid":                        want.class,
		"activity_id":                      want.activity,
		"type_uid":                         want.class*100 + want.activity,
		"severity_id":                      map[plog.SeverityNumber]int{5: 1, 9: 1, 13: 3, 17: 4}[s.SeverityNumber()],
		"status":                           map[string]any{"success": "Success", "failure": "Failure", "": nil}[want.outcome],
		"status_detail":                    map[string]any{"denied": "denied"}[text(s.Attributes(), "ebpfsecurity.outcome")],
		"device.hostname":                  host,
		"connection_info.direction":        orNil(direction(s, "Inbound", "Outbound")),
		"connection_info.protocol_ver_id":  map[string]any{"ipv4": 4, "ipv6": 6}[text(s.Attributes(), "network.type")],
		"actor.process.container.uid":      orNil(resourceText(s, "container.id")),
		"actor.process.container.name":     orNil(resourceText(s, "k8s.container.name")),
		"actor.process.container.pod_uuid": orNil(resourceText(s, "k8s.pod.uid")),
	} {
		if got := at(object, path); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v instead of %v", path, got, want)
		}
	}
}

// valueAt is a value, or a list of which a flat object has each element.
func valueAt(object map[string]any, path string, like pcommon.Value) any {
	if v := at(object, path); v != nil || like.Type() != pcommon.ValueTypeSlice {
		return elementAt(object, path, v)
	}
	var list []any
	for i := range like.Slice().Len() {
		list = append(list, at(object, fmt.Sprintf("%s.%d", path, i)))
	}
	return list
}

// elementAt finds states.0.state in an object that is nested.
func elementAt(object map[string]any, path string, v any) any {
	before, after, ok := strings.Cut(path, ".0.")
	if list, isList := at(object, before).([]any); v == nil && ok && isList {
		return at(list[0].(map[string]any), after)
	}
	return v
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// asOCSF is an attribute as OCSF has it: times are milliseconds, results levels.
func asOCSF(attribute string, v pcommon.Value) pcommon.Value {
	switch attribute {
	case "process.creation.time", "ebpfsecurity.gap.start", "ebpfsecurity.gap.end":
		at, _ := time.Parse(time.RFC3339Nano, v.Str())
		return pcommon.NewValueInt(at.UnixMilli())
	case "ebpfsecurity.config.new.result", "ebpfsecurity.config.old.result":
		return pcommon.NewValueStr(map[string]string{"pass": "Secure", "fail": "At Risk"}[v.Str()])
	}
	return v
}
