package check

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

const (
	metricAuditd     = "linux.security.auditd_running"
	metricAuditRules = "linux.security.auditd_rules_count"
)

func auditd() Check {
	return Check{
		ID:       "auditd",
		Category: Auditing,
		Reads:    "the kernel's audit system (netlink), or /run/auditd.pid",
		Metrics:  []string{metricAuditd, metricAuditRules},
		Rules: []Rule{
			{
				"auditd.running", Medium, 2, "",
				"What the kernel reports of logins, rights and files is written down nowhere.",
				"Install auditd, and systemctl enable --now auditd.",
			},
			{
				"auditd.rules", Medium, 2, "",
				"Without rules the audit system sees hardly anything.",
				"Put rules into /etc/audit/rules.d, and run augenrules --load.",
			},
			{
				"auditd.immutable", Low, 2, "",
				"An attacker with root's rights first switches the audit system off.",
				"Make -e 2 the last line of the last file in /etc/audit/rules.d, and reboot.",
			},
		},
		Run: runAuditd,
	}
}

func runAuditd(_ context.Context, h *Host, f *Findings) error {
	if h.Audit == nil {
		return errors.Join(errNoKernel, showAuditdProcess(h, f))
	}
	s, err := h.Audit.Audit()
	if err != nil {
		return errors.Join(err, showAuditdProcess(h, f))
	}
	running := s.Enabled != 0 && s.PID != 0
	state := "enabled=" + number(s.Enabled)
	f.Point(metricAuditd, asNumber(running))
	f.Point(metricAuditRules, float64(s.Rules))
	f.Judge("auditd.running", running, state+" daemon="+onOff(s.PID != 0))
	f.Judge("auditd.rules", s.Rules > 0, strconv.Itoa(s.Rules))
	f.Judge("auditd.immutable", s.Enabled == 2, state)
	return nil
}

// showAuditdProcess tells what can be told without the kernel.
func showAuditdProcess(h *Host, f *Findings) error {
	line, err := h.Line("run/auditd.pid")
	if ignoreAbsent(err) != nil {
		return err
	}
	pid, _ := strconv.Atoi(line)
	all, processErr := h.Processes()
	running := err == nil && slices.ContainsFunc(all, func(p Process) bool {
		return p.PID == pid && strings.HasSuffix(p.Exe, "/auditd")
	})
	if !running && processErr != nil {
		return processErr // it may be one that was not seen
	}
	f.Point(metricAuditd, asNumber(running))
	f.Judge("auditd.running", running, "daemon="+onOff(running))
	return nil
}
