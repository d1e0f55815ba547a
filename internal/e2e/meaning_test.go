//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A meaning is what an event is in both standards.
type meaning struct {
	action, category, types, outcome string // of ECS; those of which there are more with a space between
	class, activity                  int64  // of OCSF
}

// mapped has the meaning of each sample.
var mapped = map[string]meaning{
	"accept":            {"accept", "network", "connection start", "success", 4001, 1},
	"bpf":               {"load-bpf", "driver", "start", "success", 1002, 1},
	"close":             {"close", "network", "connection end", "success", 4001, 2},
	"config_added":      {"change-configuration", "configuration", "creation", "", 5019, 2},
	"config_fails":      {"change-configuration", "configuration", "change", "", 5019, 2},
	"config_passes":     {"change-configuration", "configuration", "change", "", 5019, 2},
	"config_removed":    {"change-configuration", "configuration", "deletion", "", 5019, 2},
	"config_status":     {"change-configuration", "configuration", "change", "", 5019, 2},
	"connect":           {"connect", "network", "connection start", "success", 4001, 1},
	"connect_refused":   {"connect", "network", "connection start", "failure", 4001, 5},
	"exec":              {"exec", "process", "start", "success", 1007, 1},
	"exec_failed":       {"exec", "process", "start", "failure", 1007, 1},
	"exec_suspicious":   {"exec", "process", "start", "success", 1007, 1},
	"exit":              {"exit", "process", "end", "success", 1007, 2},
	"exit_signal":       {"exit", "process", "end", "success", 1007, 2},
	"file_open":         {"open", "file", "access", "success", 1001, 14},
	"file_open_denied":  {"open", "file", "access", "failure", 1001, 14},
	"gap":               {"gap", "", "", "", 6008, 1},
	"module_load":       {"load-module", "driver", "start", "success", 1002, 1},
	"module_unload":     {"unload-module", "driver", "end", "failure", 1002, 2},
	"mount":             {"mount", "file configuration", "change", "success", 1001, 12},
	"mount_refused":     {"mount", "file configuration", "change", "failure", 1001, 12},
	"privilege_dropped": {"change-privilege", "process", "change", "success", 1007, 99},
	"privilege_gained":  {"change-privilege", "process", "change", "success", 1007, 5},
	"privilege_refused": {"change-privilege", "process", "change", "failure", 1007, 99},
	"ptrace":            {"ptrace", "process", "access", "success", 1007, 3},
	"traceme":           {"ptrace", "process", "access", "success", 1007, 3},
	"udp_send":          {"send", "network", "connection start", "success", 4001, 6},
	"unknown_process":   {"open", "file", "access", "success", 1001, 14},
	"unshare":           {"change-namespace", "process", "change", "success", 1003, 4},
}

// TestSIEMPageTellsTheMeaning: docs/siem.md has a row for each event, with what
// its samples mean.
func TestSIEMPageTellsTheMeaning(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "siem.md"))
	fatal(t, err)
	_, all := samples(t)
	for _, s := range all {
		m := mapped[s.name]
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(s.EventName()) + "` \\|.*$").FindString(string(page))
		words := append(strings.Fields(m.category), strings.Fields(m.types)...)
		for _, word := range append(words, m.action) {
			if !strings.Contains(row, "`"+word+"`") {
				t.Errorf("%s: no `%s` in %q", s.name, word, row)
			}
		}
		if !strings.Contains(row, fmt.Sprintf("| %d ", m.class)) || !regexp.MustCompile(fmt.Sprintf(`\b%d [A-Z]`, m.activity)).MatchString(row) {
			t.Errorf("%s: no %d and %d in %q", s.name, m.class, m.activity, row)
		}
	}
}
