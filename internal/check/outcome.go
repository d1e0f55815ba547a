package check

import "time"

// The names of the metrics about the checks themselves.
const (
	MetricResult    = "linux.security.check.result"
	MetricStatus    = "linux.security.check.status"
	MetricOverflow  = "linux.security.check.overflow"
	MetricPassRatio = "linux.security.check.pass_ratio"
)

// An Outcome is what came of the last run of a check.
type Outcome struct {
	Check    string
	Time     time.Time // zero before the first run has ended
	Status   Status
	Err      error // why the status is not OK
	Points   []Point
	Results  []Result
	Overflow int // points and items that were too many

	findings Findings
}

// A Result is the answer of a rule.
type Result struct {
	Rule     string
	Severity Severity
	Pass     bool
	Value    string // what it was judged by
}

// settle makes an outcome of findings: of their items, those that are rules
// which the user wants judged become results.
func (o *Options) settle(c *Check, out *Outcome) {
	out.Check = c.ID
	out.Points, out.Overflow = out.findings.Points, out.findings.Overflow
	for i := range out.findings.Items {
		item := &out.findings.Items[i]
		if item.Verdict == NotJudged {
			continue
		}
		rule := c.rule(item.Name)
		if !o.judges(c, rule) {
			item.Verdict = NotJudged
			continue
		}
		item.Severity = o.severity(rule)
		out.Results = append(out.Results, Result{rule.ID, item.Severity, item.Verdict == Pass, item.Value})
	}
}

// Outcomes returns what all checks found last, in the order of the table, and
// whether each has run. It never waits for a check. The slices are shared: do
// not change them.
func (r *Runner) Outcomes() (all []Outcome, complete bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.checks {
		if !s.last.Time.IsZero() {
			all = append(all, s.last)
		}
	}
	return all, len(all) == len(r.checks)
}

// PassRatio is the share of rules that pass, among those that were judged. It
// is 0 if none was: nothing has been shown to be in order.
func PassRatio(all []Outcome) float64 {
	passed, judged := 0, 0
	for _, o := range all {
		for _, r := range o.Results {
			judged++
			if r.Pass {
				passed++
			}
		}
	}
	if judged == 0 {
		return 0
	}
	return float64(passed) / float64(judged)
}
