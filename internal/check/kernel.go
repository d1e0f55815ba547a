package check

// maxChains is how many chains of the packet filter are looked at.
const maxChains = 65536

// A Filter is the packet filter of the network that this process is in.
type Filter interface {
	Chains() ([]Chain, error)
}

// A LegacyFilter is the filter table of the iptables that was before nf_tables.
type LegacyFilter interface {
	// FiltersInput says whether the chain INPUT of "ip" or "ip6" has a rule, or a
	// policy that is not to accept.
	FiltersInput(family string) (bool, error)
}

// A Chain is one of nf_tables.
type Chain struct {
	chainName
	Hook  string // "" if only other chains lead to it
	Type  string // filter, nat, route
	Drops bool   // what no rule takes
	Rules int
	// Dormant says that its table is switched off.
	Dormant bool
}

type chainName struct{ Family, Table, Name string }

// An AuditSystem is the kernel's.
type AuditSystem interface {
	Audit() (AuditState, error)
}

// An AuditState is what the audit system says of itself.
type AuditState struct {
	Enabled uint32 // 0 no, 1 yes, 2 yes and locked until the next boot
	PID     uint32 // of the daemon that takes its messages, 0 for none
	Rules   int
}
