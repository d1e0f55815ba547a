package check

import (
	"context"
	"time"
)

// A Check reads one part of the host's configuration.
type Check struct {
	ID       string // stable: users name it in their config
	Category Category
	Pace     Pace
	Reads    string // what it reads, for the documentation
	Metrics  []string
	Rules    []Rule
	// Run adds to f what it finds. It returns an error if it could not look at
	// all; f.Problem is for what takes only a part with it.
	Run func(ctx context.Context, h *Host, f *Findings) error
}

// A Rule is an opinion that a check has, and what documentation says about it.
type Rule struct {
	ID        string // stable, and begins with its check's ID and a dot
	Severity  Severity
	Level     int    // of the profiles cis-1 and cis-2
	CIS       string // number in the CIS Debian Linux 12 Benchmark v1.1.0, "" if it has none
	Rationale string // one line
	Remedy    string // one line
}

// A Category is a group of checks that is switched as one.
type Category string

// The categories.
const (
	System   Category = "system"
	Accounts Category = "accounts"
	SSH      Category = "ssh"
	Kernel   Category = "kernel"
	Network  Category = "network"
	Services Category = "services"
	Schedule Category = "schedule"
	MAC      Category = "mac" // mandatory access control
	Files    Category = "files"
	Packages Category = "packages"
	Auditing Category = "auditing"
)

// A Severity says how much a failed rule matters.
type Severity string

// The severities, in the words of XCCDF and one above.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// A Pace says how often a check runs.
type Pace int

// The paces: what takes long, such as a walk through a file system, is Slow.
const (
	Normal Pace = iota
	Slow
)

// timeout is how long a check may take.
func (p Pace) timeout() time.Duration {
	if p == Slow {
		return 2 * time.Minute
	}
	return 10 * time.Second
}

// All returns the table of checks.
func All() []Check {
	return []Check{
		osVersion(),
		packages(),
		ports(),
		servicesInfo(),
		systemTarget(),
		firewall(),
		auditd(),
		setuid(),
		searchPath(),
		containerSockets(),
		authorizedKeys(),
		mountOptions(),
		secureBoot(),
		lsms(),
		lockdown(),
		moduleSignature(),
		taint(),
		accounts(),
		shadowed(),
		sudo(),
		sshd(),
		loginDefs(),
		sysctls(),
		crontabs(),
		hostsAccess(),
		selinux(),
		apparmor(),
	}
}

// rule returns what the table says of a rule. An expectation of the user's own
// has no line there.
func (c *Check) rule(id string) Rule {
	for _, r := range c.Rules {
		if r.ID == id {
			return r
		}
	}
	return Rule{ID: id, Severity: Medium, Level: 1}
}
