package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	metricAppArmor         = "linux.security.apparmor_enabled"
	metricAppArmorProfiles = "linux.security.apparmor_profiles"
)

func apparmor() Check {
	return Check{
		ID:       "apparmor",
		Category: MAC,
		Reads:    "/sys/module/apparmor/parameters/enabled, /sys/kernel/security/apparmor/profiles",
		Metrics:  []string{metricAppArmor, metricAppArmorProfiles},
		Rules: []Rule{
			{
				"apparmor.enabled", High, 1, "1.3.1.2",
				"Without it, a service that was taken over has all the rights of its user.",
				"Take apparmor=0 and security= off the kernel's command line, and reboot.",
			},
			{
				"apparmor.confined", Medium, 1, "1.3.1.3",
				"A profile that is loaded and does nothing is taken for protection.",
				"Run aa-enforce, or aa-complain, for the profiles.",
			},
			{
				"apparmor.enforcing", Medium, 2, "1.3.1.4",
				"A profile in complain mode logs, and lets everything pass.",
				"Run aa-enforce for the profiles.",
			},
		},
		Run: runAppArmor,
	}
}

func runAppArmor(_ context.Context, h *Host, f *Findings) error {
	enabled, err := h.Line("sys/module/apparmor/parameters/enabled")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, sysErr := h.Stat("sys/module"); err != nil && sysErr != nil {
		return sysErr // without sysfs nothing is known
	}
	on := enabled == "Y"
	f.Point(metricAppArmor, asNumber(on))
	switch _, policyErr := h.Stat("etc/apparmor.d"); {
	case err == nil, policyErr == nil: // the host is made for it
		f.Judge("apparmor.enabled", on, onOff(on))
	default:
		f.Watch("apparmor.enabled", onOff(on))
	}
	if !on {
		return nil
	}
	b, err := h.Read("sys/kernel/security/apparmor/profiles")
	if err != nil {
		return err
	}
	return showProfiles(f, b)
}

func showProfiles(f *Findings, b []byte) error {
	profiles, err := parseProfiles(b)
	counts := map[string]int{"enforce": 0, "complain": 0, "unconfined": 0, "kill": 0}
	for _, p := range profiles {
		counts[p.mode]++
	}
	for _, mode := range slices.Sorted(maps.Keys(counts)) {
		f.Point(metricAppArmorProfiles, float64(counts[mode]), "mode", mode)
	}
	enforcing := counts["enforce"] + counts["kill"]
	all := strconv.Itoa(len(profiles))
	confined := enforcing + counts["complain"]
	judge := func(rule string, n int) {
		pass := n > 0 && n == len(profiles)
		if !pass || err == nil { // else there is one that was not understood
			f.Judge("apparmor."+rule, pass, strconv.Itoa(n)+" of "+all)
		}
	}
	judge("confined", confined)
	judge("enforcing", enforcing)
	for _, p := range profiles {
		f.Watch("apparmor.profile."+p.name, p.mode)
	}
	return err
}

// A profile is a line of securityfs's list.
type profile struct{ name, mode string }

// parseProfiles reads names with modes in parentheses. A name may have
// parentheses itself.
func parseProfiles(b []byte) (profiles []profile, err error) {
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		i := strings.LastIndex(line, " (")
		if i < 0 || !strings.HasSuffix(line, ")") {
			err = fmt.Errorf("not a profile: %q", Text(line))
			continue
		}
		profiles = append(profiles, profile{line[:i], line[i+2 : len(line)-1]})
	}
	slices.SortFunc(profiles, func(a, b profile) int { return strings.Compare(a.name, b.name) })
	return profiles, err
}
