package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const metricFirewall = "linux.security.firewall_enabled"

func firewall() Check {
	return Check{
		ID:       "firewall",
		Category: Network,
		Reads:    "the kernel's packet filter (netlink), /proc/1/net/ip_tables_names, /etc/ufw/ufw.conf, firewalld's unit",
		Metrics:  []string{metricFirewall},
		Rules: []Rule{
			{
				"firewall.filters_input", High, 1, "",
				"Each service that listens, also one that was started by mistake, is open to the network.",
				"Run ufw enable, or systemctl enable --now firewalld or nftables, with rules for what comes in.",
			},
			{
				"firewall.single", Low, 1, "4.1.1",
				"Two programs that change the same rules undo what the other does.",
				"Use one of ufw, firewalld and nftables, and disable the others.",
			},
		},
		Run: runFirewall,
	}
}

// runFirewall asks what the kernel does, not which programs run: without the
// kernel's answer there is none.
func runFirewall(_ context.Context, h *Host, f *Findings) error {
	configured, err := h.configuredFirewalls()
	f.Problem(err)
	f.Watch("firewall.configured", listed(configured))
	effective, err := h.effectiveFirewalls(configured)
	if err != nil && len(effective) == 0 {
		return err
	}
	f.Problem(err)
	for _, kind := range []string{"firewalld", "ufw", "iptables", "nftables"} {
		on := slices.Contains(effective, kind)
		if on || slices.Contains(configured, kind) {
			f.Point(metricFirewall, asNumber(on), "firewall_type", kind, "is_running", fmt.Sprint(on))
		}
	}
	if len(effective) == 0 {
		f.Point(metricFirewall, 0, "firewall_type", "none", "is_running", "false")
	}
	f.Judge("firewall.filters_input", len(effective) > 0, listed(effective))
	if err == nil && len(effective) > 0 {
		f.Judge("firewall.single", len(effective) == 1, listed(effective))
	}
	return nil
}

// configuredFirewalls are those that say they start with the system.
func (h *Host) configuredFirewalls() ([]string, error) {
	var all []string
	ufw, err := h.ReadIfAny("etc/ufw/ufw.conf")
	if strings.EqualFold(parseOSRelease(ufw)["ENABLED"], "yes") {
		all = append(all, "ufw")
	}
	for kind, unit := range map[string]string{"firewalld": "firewalld.service", "nftables": "nftables.service"} {
		links, globErr := h.Glob("/etc/systemd/system/*.target.wants/" + unit)
		err = errors.Join(err, globErr)
		if len(links) > 0 {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return all, err
}

// effectiveFirewalls are those whose rules the kernel has for what comes in.
func (h *Host) effectiveFirewalls(configured []string) ([]string, error) {
	if h.inOtherNetNS() {
		return nil, &fs.PathError{Op: "read", Path: "/proc/1/net", Err: errOtherNetNS}
	}
	var all []string
	has, err := h.hasNFTables()
	if has {
		if h.Filter == nil {
			return nil, errNoKernel
		}
		var chains []Chain
		chains, err = h.Filter.Chains()
		all = firewallsOf(chains)
	}
	legacy, legacyErr := h.legacyFilters()
	if legacy {
		kind := "iptables"
		if slices.Contains(configured, "ufw") && !slices.Contains(all, "ufw") {
			kind = "ufw" // a front end of iptables
		}
		all = append(all, kind)
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(err, legacyErr)
}

// errNoKernel says that this receiver has no way to ask the kernel.
var errNoKernel = errors.New("the kernel cannot be asked")

// firewallsOf says whose chains filter what comes in: base chains with a rule,
// or that drop what no rule takes.
func firewallsOf(chains []Chain) []string {
	isUFW := slices.ContainsFunc(chains, func(c Chain) bool {
		return strings.HasPrefix(c.Name, "ufw-") || strings.HasPrefix(c.Name, "ufw6-")
	})
	var all []string
	for _, c := range chains {
		if !c.filtersInput() {
			continue
		}
		// What iptables writes through nf_tables has the names of its tables.
		isIPTables := c.Table == "filter" && c.Name == "INPUT" && strings.HasPrefix(c.Family, "ip")
		switch {
		case c.Table == "firewalld":
			all = append(all, "firewalld")
		case isIPTables && isUFW:
			all = append(all, "ufw")
		case isIPTables:
			all = append(all, "iptables")
		default:
			all = append(all, "nftables")
		}
	}
	return all
}

func (c Chain) filtersInput() bool {
	comesIn := c.Hook == "input" && slices.Contains([]string{"ip", "ip6", "inet"}, c.Family) ||
		c.Hook == "ingress" && (c.Family == "netdev" || c.Family == "inet")
	return comesIn && c.Type == "filter" && (c.Rules > 0 || c.Drops) && !c.Dormant
}

// legacyFilters asks for the rules of the older iptables. The kernel has its
// tables as soon as somebody has listed them.
func (h *Host) legacyFilters() (bool, error) {
	var errs []error
	for family, file := range map[string]string{"ip": "ip_tables_names", "ip6": "ip6_tables_names"} {
		b, err := h.ReadIfAny("proc/1/net/" + file)
		if err != nil {
			errs = append(errs, err)
		}
		if !slices.Contains(strings.Fields(string(b)), "filter") {
			continue
		}
		if h.Legacy == nil {
			errs = append(errs, errNoKernel)
			continue
		}
		filters, err := h.Legacy.FiltersInput(family)
		errs = append(errs, err)
		if filters {
			return true, nil
		}
	}
	return false, errors.Join(errs...)
}

// hasNFTables says whether the kernel has nf_tables: asking one that has not
// makes it load the module.
func (h *Host) hasNFTables() (bool, error) {
	if _, err := h.Stat("sys/module/nf_tables"); err == nil {
		return true, nil
	}
	if _, err := h.Stat("proc/modules"); errors.Is(err, fs.ErrNotExist) {
		return true, nil // a kernel that cannot load modules
	}
	release, err := h.Line("proc/sys/kernel/osrelease")
	if err != nil {
		return false, err
	}
	builtin := false
	err = h.scan("lib/modules/"+release+"/modules.builtin", func(line []byte) {
		builtin = builtin || strings.HasSuffix(string(line), "/nf_tables.ko")
	})
	return builtin, ignoreAbsent(err)
}
