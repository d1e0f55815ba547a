package event

import (
	"fmt"
	"testing"
)

// The labels are in dashboards and alerts: none may change.
func TestLabels(t *testing.T) {
	var got []string
	for v := range ProcessTypes {
		got = append(got, v.String())
	}
	for v := range Directions {
		got = append(got, v.String())
	}
	for v := range Protocols {
		got = append(got, v.String())
	}
	for v := range ConnectErrors {
		got = append(got, v.String())
	}
	for v := range Severities {
		got = append(got, v.String())
	}
	for v := range Operations {
		got = append(got, v.String())
	}
	for v := range Escalations {
		got = append(got, v.String())
	}
	for v := range Results {
		got = append(got, v.String())
	}
	for v := range ModuleActions {
		got = append(got, v.String())
	}
	for v := range BPFCommands {
		got = append(got, v.String())
	}
	want := "[system user container suspicious in out tcp udp timeout refused reset unreachable info warning critical " +
		"read write setuid setgid capset success failure load load_file unload prog_load map_create attach]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}
