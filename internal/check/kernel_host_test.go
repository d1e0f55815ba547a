//go:build linux && host

package check

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestHostChains makes rules in a network of its own, and compares what the
// kernel tells with what nft lists.
func TestHostChains(t *testing.T) {
	if os.Getenv("INSIDE") != t.Name() {
		alone(t, t.Name())
		return
	}
	output(t, "ip", "link", "set", "lo", "up")
	compareChains(t, 0)
	rules := `
		table inet mine {
			chain in { type filter hook input priority 0; policy drop; tcp dport 22 accept; jump more; }
			chain more { counter; log; ip saddr 192.0.2.0/24 drop; }
			chain out { type filter hook output priority 0; }
		}
		table ip6 six { chain pre { type filter hook prerouting priority -10; accept; }; }
		table netdev dev { chain ingress { type filter hook ingress device lo priority 0; meta length 100 accept; }; }
		table arp a { chain in { type filter hook input priority 0; accept; }; }
		table ip nat { chain post { type nat hook postrouting priority 100; masquerade; }; }
	`
	cmd := exec.CommandContext(t.Context(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	many := "add chain inet mine many\n" + strings.Repeat("add rule inet mine many counter\n", 5000)
	cmd = exec.CommandContext(t.Context(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(many)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	compareChains(t, 8)
	expectFirewalls(t, "nftables")

	output(t, "nft", "flush", "ruleset")
	expectFirewalls(t, "none")
	output(t, "nft", "add table inet off { flags dormant; chain in { type filter hook input priority 0; policy drop; }; }")
	compareChains(t, 1)
	expectFirewalls(t, "none")
	output(t, "nft", "flush", "ruleset")
	output(t, "iptables-nft", "-L")
	expectFirewalls(t, "none")
	output(t, "ip6tables-nft", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
	compareChains(t, 1)
	expectFirewalls(t, "iptables")
}

func expectFirewalls(t testing.TB, want string) {
	t.Helper()
	h := hostAt(t, "/")
	Prepare(h)
	for _, p := range one(t, firewall(), h).Points {
		if p.Value == 1 || p.Label("firewall_type") == "none" {
			equal(t, "firewall", p.Label("firewall_type"), want)
		}
	}
}

// TestHostRules compares the packet filter of this machine.
func TestHostRules(t *testing.T) { compareChains(t, 0) }

// compareChains compares the chains, and how many rules each has.
func compareChains(t *testing.T, atLeast int) {
	t.Helper()
	steady(t, func(t *testing.T) map[string]string {
		want := nftChains(t)
		if len(want) < atLeast {
			t.Errorf("nft lists %d chains", len(want))
		}
		return want
	}, func() (map[string]string, error) {
		all, err := kernel{}.Chains()
		got := map[string]string{}
		for _, c := range all {
			got[c.Family+" "+c.Table+" "+c.Name] = chainText(c)
		}
		return got, err
	})
}

func chainText(c Chain) string {
	return fmt.Sprintf("%s %s, drops %v, %d rules, dormant %v", c.Type, c.Hook, c.Drops, c.Rules, c.Dormant)
}

// nftChains are those that nft lists.
func nftChains(t *testing.T) map[string]string {
	t.Helper()
	var list struct {
		Nftables []struct {
			Chain, Rule *struct{ Family, Table, Name, Chain, Hook, Type, Policy string }
		}
	}
	if err := json.Unmarshal([]byte(output(t, "nft", "-j", "list", "ruleset")), &list); err != nil {
		t.Fatal(err)
	}
	rules := map[string]int{}
	for _, o := range list.Nftables {
		if o.Rule != nil {
			rules[o.Rule.Family+" "+o.Rule.Table+" "+o.Rule.Chain]++
		}
	}
	all := map[string]string{}
	text := output(t, "nft", "list", "ruleset") // the other form has the table's name for its flags
	for _, o := range list.Nftables {
		if c := o.Chain; c != nil {
			name := c.Family + " " + c.Table + " " + c.Name
			dormant := strings.Contains(text, "table "+c.Family+" "+c.Table+" {\n\tflags dormant\n")
			all[name] = chainText(Chain{Hook: c.Hook, Type: c.Type, Drops: c.Policy == "drop", Rules: rules[name], Dormant: dormant})
		}
	}
	return all
}

// TestHostAudit adds a rule that reports nothing.
func TestHostAudit(t *testing.T) {
	before := compareAudit(t)
	rule := []string{"never,exit", "-F", "uid=4294900000", "-S", "getpid"}
	output(t, "auditctl", append([]string{"-a"}, rule...)...)
	defer output(t, "auditctl", append([]string{"-d"}, rule...)...)
	equal(t, "rules", compareAudit(t), before+1)
}

func compareAudit(t testing.TB) int {
	t.Helper()
	s, err := kernel{}.Audit()
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{}
	for line := range strings.Lines(output(t, "auditctl", "-s")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			says[key] = value
		}
	}
	equal(t, "enabled", strconv.Itoa(int(s.Enabled)), says["enabled"])
	equal(t, "daemon", strconv.Itoa(int(s.PID)), says["pid"])
	rules := 0
	for line := range strings.Lines(output(t, "auditctl", "-l")) {
		if strings.HasPrefix(line, "-") {
			rules++
		}
	}
	equal(t, "rules", s.Rules, rules)
	return s.Rules
}
