package check

import (
	"fmt"
	"strings"
	"testing"
)

// TestDocumentation writes, with -update, the page that lists every check.
func TestDocumentation(t *testing.T) {
	golden(t, "../../docs/checks.md", documentation())
}

func documentation() string {
	var b strings.Builder
	b.WriteString(`# Checks

<!-- Made from the table of checks: go test ./internal/check -run TestDocumentation -update -->

Each check reads one part of the host's configuration. A rule is an opinion that it has; the rule's ID is the value of
the label ` + "`check`" + ` of ` + "`linux.security.check.result`" + `, and what severities and switches in the configuration name.
A slow check runs less often. The level is that of the first profile, cis-1 or cis-2, that has the rule; the number is
that of the recommendation in the CIS Debian Linux 12 Benchmark v1.1.0, where there is one.
`)
	for _, c := range All() {
		pace := ""
		if c.Pace == Slow {
			pace = ", slow"
		}
		fmt.Fprintf(&b, "\n## %s\n\nCategory %s%s. Reads %s.\n", c.ID, c.Category, pace, code(c.Reads))
		if len(c.Metrics) > 0 {
			fmt.Fprintf(&b, "Metrics: `%s`.\n", strings.Join(c.Metrics, "`, `"))
		}
		if len(c.Rules) > 0 {
			b.WriteString("\n| rule | severity | level | CIS | why | remedy |\n|---|---|---|---|---|---|\n")
		}
		for _, r := range c.Rules {
			fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s | %s |\n", r.ID, r.Severity, r.Level, r.CIS, cell(r.Rationale), cell(r.Remedy))
		}
	}
	return b.String()
}

// code keeps what Markdown would take for emphasis.
func code(s string) string { return strings.ReplaceAll(s, "*", `\*`) }

func cell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }
