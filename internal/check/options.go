package check

import "time"

// Options say which checks run, and what is expected of the host.
type Options struct {
	Interval     time.Duration // of checks at the Normal pace
	SlowInterval time.Duration
	Profile      Profile

	// Disabled names checks, rules and categories that are not looked at.
	Disabled []string
	// Enabled names those that are looked at whatever the profile says.
	Enabled []string
	// Severities replace those of rules, by their IDs.
	Severities map[string]Severity

	// Sysctl are expectations by the parameter's name with dots: a value, values
	// with commas between, or >=N. "" expects nothing.
	Sysctl map[string]string
	// CrontabCommands shows commands as they are. They may hold secrets.
	CrontabCommands bool
	// Limit is how many points, and how many items, a check may have.
	Limit int
}

// A Profile says which rules are judged. Metrics without an opinion are in all.
type Profile string

// The profiles.
const (
	CIS1    Profile = "cis-1"   // rules of level 1
	CIS2    Profile = "cis-2"   // rules of levels 1 and 2
	Minimal Profile = "minimal" // critical and high rules of level 1
)

// DefaultOptions are what holds where the user says nothing.
func DefaultOptions() Options {
	return Options{
		Interval:     time.Minute,
		SlowInterval: 15 * time.Minute,
		Profile:      CIS1,
		Limit:        DefaultLimit,
	}
}
