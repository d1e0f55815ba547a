//go:build linux && host

package check

import (
	"os/exec"
	"strings"
	"testing"
)

// TestHostSysctl compares with what sysctl says.
func TestHostSysctl(t *testing.T) {
	o := one(t, sysctls(), hostAt(t, "/"))
	shown := map[string]string{}
	for _, p := range o.Points {
		shown[p.Label("param")] = p.Label("actual")
	}
	for _, p := range sysctlTable() {
		out, err := exec.Command("sysctl", "-n", p.param).Output()
		actual, known := shown[p.param]
		equal(t, p.param+" is there", known, err == nil)
		if err == nil {
			equal(t, p.param, actual, strings.Join(strings.Fields(string(out)), " "))
		}
	}
	if len(shown) == 0 {
		t.Error("nothing was compared")
	}
}
