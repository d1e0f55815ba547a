package check

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"
)

func shadowed() Check {
	return Check{
		ID:       "shadow",
		Category: Accounts,
		Reads:    "/etc/shadow",
		Metrics:  shadowMetrics[:],
		Rules: []Rule{
			{
				"shadow.empty_password", Critical, 1, "7.2.2",
				"Anyone who knows the name logs in.",
				"Lock the account with passwd -l, or give it a password.",
			},
			{
				"shadow.weak_hash", High, 1, "5.4.1.4",
				"DES, MD5 and the like are guessed in hours once the file leaks.",
				"Set ENCRYPT_METHOD YESCRYPT in /etc/login.defs, and let the accounts change their passwords.",
			},
			{
				"shadow.max_days", Low, 1, "5.4.1.1",
				"A password that was stolen unseen ends with its age.",
				"Run chage --maxdays 365 for the accounts.",
			},
			{
				"shadow.min_days", Low, 2, "5.4.1.2",
				"Without a minimal age a user goes back to the old password by changing it several times.",
				"Run chage --mindays 1 for the accounts.",
			},
			{
				"shadow.warn_days", Low, 1, "5.4.1.3",
				"Who is warned in time chooses the next password with care.",
				"Run chage --warndays 7 for the accounts.",
			},
			{
				"shadow.inactive", Low, 1, "5.4.1.5",
				"Accounts that nobody misses are the ones whose abuse nobody sees.",
				"Run chage --inactive 45 for the accounts.",
			},
			{
				"shadow.changed_in_future", Medium, 1, "5.4.1.6",
				"Such a password does not expire before that day.",
				"Let the accounts change their passwords, or run chage --lastday with a day that was.",
			},
		},
		Run: runShadow,
	}
}

// shadowMetrics are those of the fields from the third on.
var shadowMetrics = [...]string{
	"linux.security.last_password_change",
	"linux.security.password_min_days",
	"linux.security.password_max_days",
	"linux.security.password_warn_days",
	"linux.security.password_inactive",
	"linux.security.account_expire",
}

func runShadow(_ context.Context, h *Host, f *Findings) error {
	b, err := h.Read("etc/shadow")
	if err != nil {
		return err
	}
	entries := parseShadow(b)
	for _, e := range entries {
		for i, metric := range shadowMetrics {
			if e.has[i] {
				f.Point(metric, float64(e.days[i]), "username", e.name)
			}
		}
	}
	judgeShadow(f, entries, h.Now())
	for _, e := range entries {
		f.WatchSecret("shadow.user."+e.name, e.String(), e.password)
	}
	return nil
}

// judgeShadow asks about age only of accounts that one logs in to by password.
func judgeShadow(f *Findings, entries []shadow, now time.Time) {
	today := now.Unix() / int64((24 * time.Hour).Seconds())
	judge := func(rule string, bad func(e shadow) bool) {
		var names []string
		for _, e := range entries {
			if bad(e) {
				names = append(names, e.name)
			}
		}
		f.Judge("shadow."+rule, len(names) == 0, listed(names))
	}
	isSet := func(e shadow) bool { return e.status() == passwordSet }
	judge("empty_password", func(e shadow) bool { return e.status() == passwordEmpty })
	judge("weak_hash", func(e shadow) bool { return isSet(e) && isWeakHash(e.password) })
	judge("max_days", func(e shadow) bool { return isSet(e) && !e.isWithin(maxDays, 1, 365) })
	judge("min_days", func(e shadow) bool { return isSet(e) && !e.isWithin(minDays, 1, 365) })
	judge("warn_days", func(e shadow) bool { return isSet(e) && !e.isWithin(warnDays, 7, 365) })
	judge("inactive", func(e shadow) bool { return isSet(e) && !e.isWithin(inactive, 0, 45) })
	judge("changed_in_future", func(e shadow) bool { return isSet(e) && e.has[lastChange] && e.days[lastChange] > today })
}

// isWeakHash wants what crypt(5) calls acceptable for new hashes. What is no
// hash no password leads to.
func isWeakHash(password string) bool {
	for _, prefix := range []string{"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$2a$", "$6$", "$5$"} {
		if strings.HasPrefix(password, prefix) {
			return false
		}
	}
	const des = 13 // and more of them, of later kinds
	isDES := len(password) >= des && strings.Trim(password, hashLetters) == ""
	return isDES || password[0] == '$' || password[0] == '_'
}

const hashLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// A shadow is a line of shadow(5): days since 1970, and numbers of days.
type shadow struct {
	name, password string
	days           [len(shadowMetrics)]int64
	has            [len(shadowMetrics)]bool // an empty field says nothing; 0 is a number
}

const (
	lastChange = iota
	minDays
	maxDays
	warnDays
	inactive
	expires
)

// parseShadow leaves out the lines that glibc does: those whose numbers are none.
func parseShadow(b []byte) []shadow {
	var all []shadow
	for line := range entries(b) {
		fields := strings.Split(line, ":")
		if len(fields) == 5 { // as they were once
			fields = append(fields, "", "", "", "")
		}
		if len(fields) != 9 {
			continue
		}
		e, ok := shadow{name: fields[0], password: fields[1]}, true
		for i, field := range fields[2:] {
			n, has, isNumber := parseDays(field)
			ok = ok && isNumber
			if i < len(e.days) {
				e.days[i], e.has[i] = n, has
			}
		}
		if ok {
			all = append(all, e)
		}
	}
	return all
}

// parseDays reads a number that an empty field and 2^32-1 are none of.
func parseDays(field string) (days int64, has, ok bool) {
	if field == "" {
		return 0, false, true
	}
	n, ok := parseNumber(field)
	return int64(int32(n)), ok && n != math.MaxUint32, ok
}

func (e shadow) isWithin(field int, low, high int64) bool {
	return e.has[field] && e.days[field] >= low && e.days[field] <= high
}

// String is what may be shown of an entry.
func (e shadow) String() string {
	s := string(e.status())
	for i, name := range [...]string{"changed", "min", "max", "warn", "inactive", "expires"} {
		if e.has[i] {
			s += " " + name + "=" + strconv.FormatInt(e.days[i], 10)
		}
	}
	return s
}

// A passwordStatus says how one logs in by password.
type passwordStatus string

const (
	passwordSet     passwordStatus = "set"
	passwordEmpty   passwordStatus = "empty"
	passwordLocked  passwordStatus = "locked"
	passwordUnknown passwordStatus = "unknown" // the file is unreadable
)

func (e shadow) status() passwordStatus { return statusOfPassword(e.password) }

// statusOfPassword knows what passwd -S calls L, NP and P.
func statusOfPassword(password string) passwordStatus {
	switch {
	case password == "":
		return passwordEmpty
	case password[0] == '!' || password[0] == '*':
		return passwordLocked
	default:
		return passwordSet
	}
}
