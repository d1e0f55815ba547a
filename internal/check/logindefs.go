package check

import (
	"context"
	"strconv"
	"strings"
)

const metricLoginDefs = "linux.security.login_defs_info"

func loginDefs() Check {
	return Check{
		ID:       "login_defs",
		Category: Accounts,
		Reads:    "/etc/login.defs",
		Metrics:  []string{metricLoginDefs},
		Rules: []Rule{
			{
				"login_defs.umask", Medium, 1, "5.4.3.3",
				"Files that a user makes without thinking of it should not be open to everybody.",
				"Set UMASK 027, or a stricter one, in /etc/login.defs.",
			},
			{
				"login_defs.pass_max_days", Low, 1, "5.4.1.1",
				"A password that was stolen unseen ends with its age.",
				"Set PASS_MAX_DAYS to 365 or less in /etc/login.defs, and chage --maxdays for the users there are.",
			},
			{
				"login_defs.pass_min_days", Low, 2, "5.4.1.2",
				"Without a minimal age a user goes back to the old password by changing it several times.",
				"Set PASS_MIN_DAYS to 1 or more in /etc/login.defs.",
			},
			{
				"login_defs.pass_warn_age", Low, 1, "5.4.1.3",
				"Who is warned in time chooses the next password with care.",
				"Set PASS_WARN_AGE to 7 or more in /etc/login.defs.",
			},
			{
				"login_defs.encrypt_method", High, 1, "5.4.1.4",
				"Weak hashes of passwords are guessed in hours once /etc/shadow leaks.",
				"Set ENCRYPT_METHOD YESCRYPT, or SHA512, in /etc/login.defs.",
			},
		},
		Run: runLoginDefs,
	}
}

func runLoginDefs(_ context.Context, h *Host, f *Findings) error {
	b, err := h.ReadIfAny("etc/login.defs")
	if err != nil || b == nil {
		return err
	}
	defs := parseLoginDefs(b)
	judge := func(key, unset string, good func(string) bool) {
		value := defs.get(key, unset)
		f.Judge("login_defs."+strings.ToLower(key), good(value), value)
	}
	judge("UMASK", "", isStrictUmask)
	judge("PASS_MAX_DAYS", "-1", func(v string) bool { return isBetween(v, 1, 365) })
	judge("PASS_MIN_DAYS", "-1", func(v string) bool { return isBetween(v, 1, 365) })
	judge("PASS_WARN_AGE", "-1", func(v string) bool { return isBetween(v, 7, 365) })
	judge("ENCRYPT_METHOD", "DES", func(v string) bool {
		return strings.EqualFold(v, "YESCRYPT") || strings.EqualFold(v, "SHA512")
	})
	defs.show(f, metricLoginDefs, "login_defs")
	return nil
}

// isStrictUmask wants group without write and others without anything, whoever
// reads it: the number is octal to pam_umask, and to useradd only with a zero
// before it.
func isStrictUmask(v string) bool {
	for _, base := range []int{8, 0} {
		mask, err := strconv.ParseUint(v, base, 32)
		if err != nil || mask&0o027 != 0o027 {
			return false
		}
	}
	return true
}

// isBetween reads a number as C does, with 0 and 0x before other bases.
func isBetween(v string, low, high int64) bool {
	n, err := strconv.ParseInt(v, 0, 64)
	isGo := strings.ContainsAny(v, "_oO") || strings.HasPrefix(strings.ToLower(v), "0b")
	return err == nil && !isGo && n >= low && n <= high
}

// parseLoginDefs reads login.defs(5): a name, white space, and a value with or
// without double quotes. The last of two holds, as for shadow's programs.
func parseLoginDefs(b []byte) *settings {
	defs := newSettings()
	for line := range lines(b) {
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			value, _, _ := strings.Cut(strings.TrimLeft(line[i:], " \t\""), `"`)
			defs.set(line[:i], value)
		}
	}
	return defs
}
