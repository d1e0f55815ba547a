//go:build linux && host

package check

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// A difference is why another tool gives another verdict than we do.
type difference struct {
	rules        string // patterns
	tool         string
	ours, theirs Verdict
	why          string
}

const (
	openSCAP = "OpenSCAP"
	lynisIs  = "Lynis"
)

// differences are those that show in the trees. The first that fits is meant.
func differences() []difference {
	return slices.Concat(openSCAPDifferences(), lynisDifferences())
}

func openSCAPDifferences() []difference {
	return []difference{
		{"login_defs.umask", openSCAP, Pass, Fail, "It does not understand an umask of four digits."},
		{"sudo.use_pty", openSCAP, Fail, Pass, "It does not see that a later line takes the setting back."},
		{"sudo.logfile", openSCAP, Pass, Fail, "It takes the quotes around the value for a part of it."},
		{"sudo.logfile", openSCAP, Fail, Pass, "It reads a file that sudo refuses, because all may write it."},
		{"sudo.nopasswd", openSCAP, Pass, Fail, "It reads files in /etc/sudoers.d that sudo leaves out: those with a dot in their name."},
		{"sudo.authenticate", openSCAP, Fail, Pass, "It reads no other directory that sudoers includes."},
		{"sshd.loglevel", openSCAP, Pass, Fail, "It wants the word INFO in the file. CIS takes VERBOSE too, and INFO is sshd's default."},
		{"sshd.client_alive", openSCAP, Pass, Fail, "It wants ClientAliveCountMax 0, with which sshd does not end a session any more."},
		{
			"sshd.*", openSCAP, Pass, Fail,
			"It wants the option in /etc/ssh/sshd_config, and as a number: sshd's default, a file that is included and 1m are nothing to it.",
		},
		{
			"sshd.*", openSCAP, Fail, Pass,
			"It looks for lines in /etc/ssh/sshd_config. To sshd the first value counts, here that of a file which is included, and a Match block has values of its own.",
		},
		{"sysctl.kernel.kptr_restrict", openSCAP, Pass, Fail, "It wants the value 1 in a file too, and takes no 2, which hides more."},
		{"sysctl.*", openSCAP, Pass, Fail, "It wants a file to set the value too. We tell what the kernel does."},
		{"service.*", openSCAP, Fail, Pass, "It asks for a package. The service runs without one."},
	}
}

func lynisDifferences() []difference {
	return []difference{
		{"account.*", lynisIs, Fail, Pass, "It compares the text: the number 00 is no 0 to it, but to the system."},
		{"shadow.weak_hash", lynisIs, Pass, Fail, "It wants SHA-512 with more rounds than the default. CIS takes it as it is."},
		{"sudo.writable", lynisIs, Pass, Fail, "It wants that nobody reads /etc/sudoers.d. We ask who may write."},
		{"sshd.permitrootlogin", lynisIs, Fail, Pass, "To it prohibit-password is good. CIS wants no."},
		{"sshd.loglevel", lynisIs, Pass, Fail, "It wants VERBOSE. CIS takes INFO too."},
		{"sshd.logingracetime", lynisIs, Fail, Pass, "It takes up to 120 seconds, CIS 60."},
		{"sshd.maxsessions", lynisIs, Pass, Fail, "It takes up to 2, CIS 10."},
		{"sshd.client_alive", lynisIs, Pass, Fail, "It wants ClientAliveCountMax 2 or less, CIS more than 0."},
		{"mount_options.dev_shm.*", lynisIs, Fail, Pass, "It believes /etc/fstab. We tell what is mounted."},
		{"mount_options.home.*", lynisIs, Fail, Pass, "It adds the options of two mounts at one place. The later hides the other."},
		{
			"sysctl.*", lynisIs, Pass, Fail,
			"It takes one value. We take those that protect as well: a kptr_restrict and bpf_jit_harden of 1, an rp_filter of 2, " +
				"an unprivileged_bpf_disabled of 2, a perf_event_paranoid of 2, protected_fifos of 1.",
		},
		{"service.nis", lynisIs, Fail, Pass, "It asks for a package. The service runs without one."},
		{"firewall.filters_input", lynisIs, Fail, Pass, "It counts rules. These filter nothing that comes in."},
		{"apparmor.enabled lsm.mandatory", lynisIs, NotJudged, Fail, "The trees see no securityfs. We say that we cannot read it, and Lynis that nothing is there."},
		{"secure_boot.enabled", lynisIs, NotJudged, Fail, "We do not judge a host that does not boot by UEFI."},
	}
}

// differencesHere are more that a machine may show.
func differencesHere() []difference {
	return []difference{
		{"sshd.*", openSCAP, NotJudged, Pass, "It passes what is not installed."},
		{"mount_options.*.separate", openSCAP, NotJudged, Fail, "It wants a file system for a directory that is not there."},
		{"service.*", lynisIs, Pass, Fail, "It counts what runs in containers."},
		{"sshd.*", lynisIs, NotJudged, Fail, "It counts what runs in containers."},
		{"firewall.filters_input", lynisIs, Pass, Fail, "It wants more than three rules."},
		{"apparmor.enabled lsm.mandatory", lynisIs, Pass, Fail, "It wants a policy, and aa-status."},
	}
}

func (d difference) fits(rule, tool string, ours, theirs Verdict) bool {
	matches := slices.ContainsFunc(strings.Fields(d.rules), func(pattern string) bool {
		match, err := path.Match(pattern, rule)
		return err == nil && match
	})
	return matches && d.tool == tool && d.ours == ours && d.theirs == theirs
}

// reasonFor is the place of the reason in a list, or less than 0.
func reasonFor(all []difference, c counterpart, tool string, j judgement) int {
	return slices.IndexFunc(all, func(d difference) bool { return d.fits(c.rule, tool, j.Ours[c.rule], j.by(tool, c)) })
}

// differs says whether another has a verdict that is not ours.
func (j judgement) differs(tool string, c counterpart) bool {
	theirs := j.by(tool, c)
	return theirs != NotJudged && theirs != j.Ours[c.rule]
}

// by is one verdict of all that a tool has for a rule.
func (j judgement) by(tool string, c counterpart) Verdict {
	if tool == openSCAP {
		return combined(j.oscap, c.oscap)
	}
	return combined(j.lynis, c.lynisNames())
}

func (c counterpart) lynisNames() []string {
	var names []string
	for _, l := range c.lynis {
		names = append(names, l.String())
	}
	return names
}

// combined is Fail if one fails, and Pass if all pass.
func combined(verdicts map[string]Verdict, names []string) Verdict {
	result := NotJudged
	for i, name := range names {
		switch v := verdicts[name]; {
		case v == Fail:
			return Fail
		case i == 0 || v != Pass:
			result = v
		}
	}
	return result
}

// explain wants a reason wherever another gives another verdict, and notes which
// reasons there were.
func explain(t *testing.T, host string, j judgement, reasons []difference, used map[int]bool) {
	t.Helper()
	for _, c := range counterparts() {
		for _, tool := range []string{openSCAP, lynisIs} {
			if !j.differs(tool, c) {
				continue
			}
			n := reasonFor(reasons, c, tool, j)
			if n < 0 {
				t.Errorf("%s: %s is %q for us, %q for %s", host, c.rule, j.Ours[c.rule], j.by(tool, c), tool)
			}
			used[n] = true
		}
	}
}
