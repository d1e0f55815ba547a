package check

import "slices"

// runs says whether a check is looked at.
func (o *Options) runs(c *Check) bool {
	return !o.isDisabled(c.ID) && !o.isDisabled(string(c.Category))
}

// judges says whether a rule is. One of the user's own always is.
func (o *Options) judges(c *Check, r Rule) bool {
	switch {
	case o.isDisabled(r.ID):
		return false
	case slices.Contains(o.Enabled, r.ID), slices.Contains(o.Enabled, c.ID),
		slices.Contains(o.Enabled, string(c.Category)):
		return true
	}
	switch o.Profile {
	case CIS2:
		return true
	case Minimal:
		return r.Level == 1 && (r.Severity == High || r.Severity == Critical)
	default:
		return r.Level == 1
	}
}

func (o *Options) isDisabled(name string) bool { return slices.Contains(o.Disabled, name) }

// severity is the rule's own unless the user knows better.
func (o *Options) severity(r Rule) Severity {
	if s, ok := o.Severities[r.ID]; ok {
		return s
	}
	return r.Severity
}
