//go:build linux && host

package check

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostShadow compares the accounts of this machine with what passwd says.
func TestHostShadow(t *testing.T) {
	out, err := exec.Command("passwd", "-S", "-a").Output()
	if err != nil {
		t.Fatal(err)
	}
	h := hostAt(t, "/")
	o := one(t, shadowed(), h)
	letter := map[string]string{"locked": "L", "empty": "NP", "set": "P"}
	n := 0
	for line := range strings.Lines(string(out)) {
		equal(t, "line", oneLine(t, o, strings.Fields(line)[0], letter), strings.TrimSpace(line))
		n++
	}
	u, err := readUsers(h)
	equal(t, "error", err, nil)
	known := slices.DeleteFunc(o.findings.Items, func(i Item) bool { // passwd tells of accounts only
		name, isUser := strings.CutPrefix(i.Name, "shadow.user.")
		return !isUser || !slices.ContainsFunc(u.accounts, func(a account) bool { return a.name == name })
	})
	equal(t, "number of accounts", len(known), n)
}

// TestHostShadowCases does so for values that machines rarely have.
func TestHostShadowCases(t *testing.T) {
	h := newTree(t, map[string]string{
		"etc/passwd": "root:x:0:0::/:\na:x:1:1::/:\nb:x:2:2::/:\nc:x:3:3::/:\nd:x:4:4::/:\n",
		"etc/shadow": "root:*:20000:0:99999:7:::\na::1:0:0:0:0:0:\nb:!$6$x$y:20001::::::\nc:$6$x$y:20002:1:365:14:30:20500:\nd:!:20003:5:::::\n",
	})
	out := inPlaceOf(t, h, []string{"etc/passwd", "etc/shadow"}, "passwd -S -a")
	o := one(t, shadowed(), h.host())
	letter := map[string]string{"locked": "L", "empty": "NP", "set": "P"}
	n := 0
	for line := range strings.Lines(out) {
		equal(t, "line", oneLine(t, o, strings.Fields(line)[0], letter), strings.TrimSpace(line))
		n++
	}
	equal(t, "accounts", n, 5)
}

// oneLine writes what passwd -S does.
func oneLine(t *testing.T, o Outcome, name string, letter map[string]string) string {
	t.Helper()
	status := ""
	for _, item := range o.findings.Items {
		if item.Name == "shadow.user."+name {
			status, _, _ = strings.Cut(item.Value, " ")
		}
	}
	line := name + " " + letter[status]
	for i, metric := range shadowMetrics[:inactive+1] {
		n := -1.0
		for _, p := range o.Points {
			if p.Metric == metric && p.Label("username") == name {
				n = p.Value
			}
		}
		if i == lastChange {
			line += " " + time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly)
			continue
		}
		line += fmt.Sprintf(" %v", n)
	}
	return line
}
