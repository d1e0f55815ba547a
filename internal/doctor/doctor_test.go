package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

func TestCapabilities(t *testing.T) {
	for status, want := range map[string]string{
		"CapEff:\t000001ffffffffff\n": "BPF PERFMON NET_ADMIN SYS_PTRACE DAC_READ_SEARCH SYS_RESOURCE SYS_ADMIN",
		"CapEff:\t000000c000081004\n": "BPF PERFMON NET_ADMIN SYS_PTRACE DAC_READ_SEARCH",
		"CapEff:\t0000000000200000\n": "BPF PERFMON SYS_ADMIN", // it includes them
		"CapEff:\t0000000000000000\n": "",
		"CapEff:\tnonsense\n":         "",
		"":                            "",
	} {
		var held []string
		for _, c := range capabilities("Name:\tx\n" + status) {
			if c.Held {
				held = append(held, strings.TrimPrefix(c.Name, "CAP_"))
			}
		}
		if got := strings.Join(held, " "); got != want {
			t.Errorf("%q: %s instead of %s", status, got, want)
		}
	}
}

func TestMounts(t *testing.T) {
	const table = `21 28 0:20 / /sys/kernel/tracing rw - tracefs tracefs rw
30 28 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
31 28 0:26 / /hostfs/sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw
nonsense
`
	for _, c := range []struct{ fstype, root, want string }{
		{"tracefs", "/", "/sys/kernel/tracing"},
		{"cgroup2", "/", "/sys/fs/cgroup"},
		{"cgroup2", "/hostfs", "/hostfs/sys/fs/cgroup"},
		{"tracefs", "/hostfs", "/sys/kernel/tracing"},
		{"bpf", "/", ""},
	} {
		if got := mountedAt(table, c.fstype, c.root); got != c.want {
			t.Errorf("%v: %q", c, got)
		}
	}
}

func TestLockdown(t *testing.T) {
	for words, want := range map[string]string{
		"none [integrity] confidentiality": "integrity", "[none] integrity confidentiality": "none", "": "",
	} {
		if got := chosen(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}

// sample is a report on a host where one hook has a fallback, one a companion
// less, and one nothing, and a check sees only a part.
func sample() *report {
	r := &report{}
	here := cure.Host{}
	for _, h := range []sensor.Hook{
		{Name: "process.exec", Program: "process_exec", Tried: []sensor.Attempt{{Program: "process_exec"}}},
		{Name: "file.open", Program: "open_exit", SyscallTracepoints: true, Tried: []sensor.Attempt{
			{Program: "open_fentry", Err: errors.New("load:\nno trampolines")}, {Program: "open_exit"},
		}},
		{Name: "file.mount", Program: "mount_fexit", Tried: []sensor.Attempt{
			{Program: "mount_fexit"}, {Program: "mount_in_fentry", Companion: true, Err: errors.New("not there")},
		}},
		{Name: "network.udp", Err: errors.New("no cgroup v2"), Tried: []sensor.Attempt{{Program: "udp_send4", Err: errors.New("no cgroup v2")}}},
	} {
		r.addHook(h, here)
	}
	r.addCheck(check.Outcome{Check: "sshd"})
	r.addCheck(check.Outcome{Check: "shadow", Status: check.Unreadable, Err: errors.New("open etc/shadow: permission denied")})
	return r
}

func TestReportTellsWhatServesAndWhatDoesNot(t *testing.T) {
	var page strings.Builder
	if err := sample().write(&page); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(page.String()), " ")
	for _, want := range []string{
		"process.exec process_exec file.open",
		"file.open open_exit slows every syscall of the host not open_fentry load:; no trampolines",
		"file.mount mount_fexit not mount_in_fentry records tell less without it: not there",
		"network.udp NONE not udp_send4 no cgroup v2 cure mount the cgroup2 file system",
		"sshd ok shadow unreadable open etc/shadow: permission denied",
		"Missing: the hook network.udp the check shadow, or a part of it: unreadable",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, &page)
		}
	}
	page.Reset()
	if err := (&report{}).write(&page); err != nil || !strings.Contains(page.String(), "All is served.") {
		t.Errorf("%v: %s", err, &page)
	}
}

func TestReportAsJSON(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Hooks []struct {
			Name, Program string
			Slows         bool `json:"slows_syscalls"`
			Tried         []struct{ Program, Refusal string }
		}
		Checks  []struct{ Name, Status string }
		Missing []string
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	open, udp := got.Hooks[1], got.Hooks[3]
	if open.Program != "open_exit" || !open.Slows || open.Tried[0].Program != "open_fentry" || udp.Program != "none" {
		t.Errorf("%+v", got.Hooks)
	}
	if got.Checks[1].Status != "unreadable" || len(got.Missing) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"nonsense"}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "-json") {
			t.Errorf("%v: %d, %s, %s", args, code, &out, &errs)
		}
	}
}
