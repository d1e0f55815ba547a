package check

import (
	"errors"
	"testing"
)

type fakeFilter struct {
	chains []Chain
	err    error
}

func (f fakeFilter) Chains() ([]Chain, error) { return f.chains, f.err }

type fakeLegacy map[string]bool

func (f fakeLegacy) FiltersInput(family string) (bool, error) {
	filters, ok := f[family]
	if !ok {
		return false, errors.New("no such table")
	}
	return filters, nil
}

func chain(family, table, name, hook, kind string, rules int, drops bool) Chain {
	return Chain{chainName{family, table, name}, hook, kind, drops, rules, false}
}

func TestFirewall(t *testing.T) {
	const ufw, firewalld = "etc/ufw/ufw.conf", "etc/systemd/system/multi-user.target.wants/firewalld.service"
	input := chain("inet", "mine", "in", "input", "filter", 2, false)
	for _, test := range []struct {
		name   string
		files  map[string]string
		filter Filter
		legacy LegacyFilter
		want   string
	}{
		{"nothing", nil, fakeFilter{}, nil, `
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"rules of one's own", nil, fakeFilter{chains: []Chain{input}}, nil, `
			firewall_enabled{firewall_type="nftables",is_running="true"} 1
			firewall.filters_input pass (nftables)
			firewall.single pass (nftables)
			status ok`},
		{"a policy alone", nil, fakeFilter{chains: []Chain{chain("ip6", "x", "in", "input", "filter", 0, true)}}, nil, `
			firewall_enabled{firewall_type="nftables",is_running="true"} 1
			firewall.filters_input pass (nftables)
			firewall.single pass (nftables)
			status ok`},
		{"chains without rules, and Docker's", map[string]string{ufw: "ENABLED=no\n"}, fakeFilter{chains: []Chain{
			chain("ip", "filter", "INPUT", "input", "filter", 0, false),
			chain("ip", "filter", "FORWARD", "forward", "filter", 9, true),
			chain("ip", "nat", "PREROUTING", "prerouting", "nat", 9, false),
			chain("arp", "filter", "INPUT", "input", "filter", 9, false),
			chain("inet", "x", "own", "", "", 9, false),
		}}, nil, `
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"firewalld and ufw", map[string]string{ufw: "# x\nENABLED=yes\n", firewalld: "-> /usr/lib/systemd/system/firewalld.service"}, fakeFilter{chains: []Chain{
			chain("inet", "firewalld", "filter_INPUT", "input", "filter", 7, false),
			chain("ip", "filter", "INPUT", "input", "filter", 3, true),
			chain("ip", "filter", "ufw-before-input", "", "", 3, false),
		}}, nil, `
			firewall_enabled{firewall_type="firewalld",is_running="true"} 1
			firewall_enabled{firewall_type="ufw",is_running="true"} 1
			firewall.filters_input pass (firewalld,ufw)
			firewall.single fail (firewalld,ufw)
			status ok`},
		{"configured and not running", map[string]string{ufw: "ENABLED=yes\n"}, fakeFilter{}, nil, `
			firewall_enabled{firewall_type="ufw",is_running="false"} 0
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"a table that is switched off", nil, fakeFilter{chains: []Chain{{chainName{"inet", "x", "in"}, "input", "filter", true, 5, true}}}, nil, `
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"iptables over nf_tables", nil, fakeFilter{chains: []Chain{chain("ip", "filter", "INPUT", "input", "filter", 1, false)}}, nil, `
			firewall_enabled{firewall_type="iptables",is_running="true"} 1
			firewall.filters_input pass (iptables)
			firewall.single pass (iptables)
			status ok`},
		{"older iptables", map[string]string{"proc/1/net/ip_tables_names": "nat\nfilter\n"}, fakeFilter{}, fakeLegacy{"ip": true}, `
			firewall_enabled{firewall_type="iptables",is_running="true"} 1
			firewall.filters_input pass (iptables)
			firewall.single pass (iptables)
			status ok`},
		{"older iptables of ufw", map[string]string{ufw: "ENABLED=yes\n", "proc/1/net/ip6_tables_names": "filter\n"}, fakeFilter{}, fakeLegacy{"ip6": true}, `
			firewall_enabled{firewall_type="ufw",is_running="true"} 1
			firewall.filters_input pass (ufw)
			firewall.single pass (ufw)
			status ok`},
		{"older iptables without rules", map[string]string{"proc/1/net/ip_tables_names": "filter\n"}, fakeFilter{}, fakeLegacy{"ip": false}, `
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"older iptables that cannot be asked", map[string]string{"proc/1/net/ip_tables_names": "filter\n"}, fakeFilter{}, nil, "status error"},
		{"the same beside another", map[string]string{"proc/1/net/ip_tables_names": "filter\n"}, fakeFilter{chains: []Chain{input}}, nil, `
			firewall_enabled{firewall_type="nftables",is_running="true"} 1
			firewall.filters_input pass (nftables)
			status error`},
		{"a kernel that refuses", nil, fakeFilter{err: errors.New("EPERM")}, nil, "status error"},
		{"no kernel", nil, nil, nil, "status error"},
		{"a kernel without nf_tables", map[string]string{"proc/modules": "", "proc/sys/kernel/osrelease": "6.1\n", "lib/modules/6.1/modules.builtin": "kernel/fs/x.ko\n"}, nil, nil, `
			firewall_enabled{firewall_type="none",is_running="false"} 0
			firewall.filters_input fail (none)
			status ok`},
		{"nf_tables in the kernel", map[string]string{"proc/modules": "", "proc/sys/kernel/osrelease": "6.1\n", "lib/modules/6.1/modules.builtin": "kernel/net/netfilter/nf_tables.ko\n"}, nil, nil, "status error"},
		{"nf_tables as a module", map[string]string{"proc/modules": "", "sys/module/nf_tables/": ""}, nil, nil, "status error"},
		{"another network", map[string]string{"proc/1/ns/net": "-> net:[1]"}, fakeFilter{}, nil, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newTree(t, test.files).host()
			h.Filter, h.Legacy, h.NetNS = test.filter, test.legacy, "net:[2]"
			expect(t, one(t, firewall(), h), test.want)
		})
	}
}

type fakeAudit struct {
	AuditState
	err error
}

func (f fakeAudit) Audit() (AuditState, error) { return f.AuditState, f.err }

func TestAuditd(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		audit AuditSystem
		want  string
	}{
		{"locked", nil, fakeAudit{AuditState: AuditState{Enabled: 2, PID: 7, Rules: 30}}, `
			auditd_running{} 1
			auditd_rules_count{} 30
			auditd.running pass (enabled=2 daemon=on)
			auditd.rules pass (30)
			auditd.immutable pass (enabled=2)
			status ok`},
		{"a daemon without rules", nil, fakeAudit{AuditState: AuditState{Enabled: 1, PID: 7}}, `
			auditd_running{} 1
			auditd_rules_count{} 0
			auditd.running pass (enabled=1 daemon=on)
			auditd.rules fail (0)
			auditd.immutable fail (enabled=1)
			status ok`},
		{"switched off", nil, fakeAudit{AuditState: AuditState{PID: 7, Rules: 1}}, `
			auditd_running{} 0
			auditd_rules_count{} 1
			auditd.running fail (enabled=0 daemon=on)
			auditd.rules pass (1)
			auditd.immutable fail (enabled=0)
			status ok`},
		{"refused, and a daemon", map[string]string{"run/auditd.pid": "42\n", "proc/42/comm": "auditd\n", "proc/42/exe": "-> /usr/sbin/auditd"}, fakeAudit{err: errors.New("EPERM")}, `
			auditd_running{} 1
			auditd.running pass (daemon=on)
			status error`},
		{"refused, and a daemon that has died", map[string]string{"run/auditd.pid": "42\n", "proc/42/comm": "auditd\n", "proc/42/exe": "-> /tmp/x"}, fakeAudit{err: errors.New("EPERM")}, `
			auditd_running{} 0
			auditd.running fail (daemon=off)
			status error`},
		{"no kernel and no /proc", nil, nil, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newTree(t, test.files).host()
			h.Audit = test.audit
			expect(t, one(t, auditd(), h), test.want)
		})
	}
}
