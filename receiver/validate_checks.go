package receiver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
)

// A CheckInterval is the time between two runs of a check.
type CheckInterval time.Duration

// UnmarshalText reads a duration such as 60s.
func (i *CheckInterval) UnmarshalText(text []byte) error { return (*Interval)(i).UnmarshalText(text) }

// MarshalText writes a duration.
func (i CheckInterval) MarshalText() ([]byte, error) { return Interval(i).MarshalText() }

// Validate refuses what would keep a CPU busy, and what nobody would notice.
func (i CheckInterval) Validate() error {
	return between(i, CheckInterval(time.Second), CheckInterval(24*time.Hour), func(i CheckInterval) string { return time.Duration(i).String() })
}

// A Profile says which rules are judged.
type Profile string

// Validate refuses other words.
func (p Profile) Validate() error {
	return oneOf(p, Profile(check.CIS1), Profile(check.CIS2), Profile(check.Minimal))
}

// A CheckSeverity says how much a failed rule matters.
type CheckSeverity string

// Validate refuses other words.
func (s CheckSeverity) Validate() error {
	return oneOf(s, CheckSeverity(check.Low), CheckSeverity(check.Medium), CheckSeverity(check.High), CheckSeverity(check.Critical))
}

// A CheckLimit is how many data points a check may have.
type CheckLimit uint32

// Validate refuses what shows nothing, or floods whoever stores it.
func (l CheckLimit) Validate() error {
	return between(l, 1, 100_000, number)
}

// Validate refuses names that no check, category or rule has.
func (c *Checks) Validate() error {
	known := checkNames()
	for param := range c.Sysctl {
		known["sysctl."+param] = aRule
	}
	var errs []error
	refuse := func(key string, names []string, takes string, fits func(kind string) bool) {
		for _, name := range names {
			if !fits(known[name]) {
				errs = append(errs, fmt.Errorf("%s: %q is no %s; docs/checks.md lists them", key, name, takes))
			}
		}
	}
	anything := func(kind string) bool { return kind != "" }
	refuse("disable", c.Disable, "check, category or rule", anything)
	refuse("enable", c.Enable, "check, category or rule", anything)
	refuse("severities", slices.Sorted(maps.Keys(c.Severities)), "rule", func(kind string) bool { return kind == aRule })
	for _, param := range slices.Sorted(maps.Keys(c.Sysctl)) {
		if !isParameter(param) {
			errs = append(errs, fmt.Errorf("sysctl: %q is no name of a kernel parameter such as net.ipv4.ip_forward", param))
		}
	}
	return errors.Join(errs...)
}

const aRule = "rule"

// checkNames are the names of all checks, categories and rules, with what they are.
func checkNames() map[string]string {
	known := make(map[string]string)
	for _, c := range check.All() {
		known[c.ID], known[string(c.Category)] = "check", "category"
		for _, r := range c.Rules {
			known[r.ID] = aRule
		}
	}
	return known
}

// isParameter says whether a name stays below /proc/sys.
func isParameter(name string) bool {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '/' })
	return len(parts) > 1 && !strings.ContainsAny(name, "\x00 ") && !strings.Contains(name, "..") && strings.Trim(name, "./") == name
}
