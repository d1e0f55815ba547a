package check

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// normal is a value as sshd -T shows it. It is not ok if sshd refuses it.
func (k sshdKind) normal(value string) (normal string, ok bool) {
	switch k {
	case sshdWord:
		word := sshdSynonym(strings.ToLower(value))
		return word, slices.Contains(sshdWords(), word)
	case sshdFacility:
		value = strings.ToUpper(value)
		return value, slices.Contains(sshdFacilities(), value)
	case sshdLevel:
		value = sshdSynonym(strings.ToUpper(value))
		return value, slices.Contains(sshdLevels(), value)
	case sshdTime:
		seconds, ok := sshdSeconds(value)
		return strconv.FormatInt(seconds, 10), ok
	case sshdNumber:
		n, err := strconv.ParseInt(value, 10, 32)
		return strconv.FormatInt(n, 10), err == nil && n >= 0
	case sshdMask:
		n, err := strconv.ParseUint(value, 8, 16)
		return "0" + strconv.FormatUint(n, 8), err == nil && n <= 0o777
	case sshdHash:
		value = strings.ToUpper(value)
		return value, value == "SHA256" || value == "MD5"
	case sshdRekey:
		return sshdRekeyLimit(value)
	case sshdStartups:
		return sshdStartupLimits(value)
	case sshdQoS:
		if words := strings.Fields(value); len(words) == 1 {
			return value + " " + value, true
		}
	case sshdListens:
		return sshdListening(value), true
	}
	if strings.EqualFold(value, "none") {
		return "none", true
	}
	return value, true
}

// sshdStartupLimits reads one number, or three with colons between.
func sshdStartupLimits(value string) (string, bool) {
	parts := strings.Split(value, ":")
	if len(parts) == 1 {
		parts = []string{value, "30", value}
	}
	ok := len(parts) == 3
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		ok = ok && err == nil && n > 0
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ":"), ok
}

// sshdListening puts a star before a port without a host.
func sshdListening(value string) string {
	words := strings.Fields(value)
	for i, word := range words {
		if word != "any" && word != "none" && !strings.Contains(word, ":") {
			words[i] = "*:" + word
		}
	}
	return strings.Join(words, " ")
}

// sshdWords are the values of all options that are words.
func sshdWords() []string {
	return []string{
		"yes", "no", "any", "inet", "inet6", "prohibit-password", "forced-commands-only", "clientspecified",
		"local", "remote", "shosts-only",
	}
}

func sshdLevels() []string {
	return []string{"SILENT", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"}
}

func sshdFacilities() []string {
	return []string{
		"DAEMON", "USER", "AUTH", "AUTHPRIV", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
	}
}

// sshdSynonym returns that of two words for the same which sshd -T shows, or of
// PermitRootLogin the newer.
func sshdSynonym(word string) string {
	switch word {
	case "without-password":
		return "prohibit-password"
	case "all", "delayed": // of forwarding, of compression
		return "yes"
	case "QUIET":
		return "SILENT"
	case "DEBUG1":
		return "DEBUG"
	}
	return word
}

// sshdSeconds reads a time such as 90, 2m or 1h30m.
func sshdSeconds(s string) (int64, bool) {
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	total := int64(0)
	for s != "" {
		n := len(s) - len(strings.TrimLeft(s, "0123456789"))
		amount, err := strconv.ParseInt(s[:n], 10, 32)
		if err != nil {
			return 0, false
		}
		unit := int64(1)
		if s = s[n:]; s != "" {
			var ok bool
			if unit, ok = units[s[0]|0x20]; !ok {
				return 0, false
			}
			s = s[1:]
		}
		total += amount * unit
	}
	return total, true
}

// sshdRekeyLimit reads an amount of data and perhaps a time, both of which
// sshd -T shows as 0 where they are not limited.
func sshdRekeyLimit(s string) (string, bool) {
	amount, time, _ := strings.Cut(s, " ")
	data, ok := int64(0), true
	if amount != "default" {
		data, ok = sshdBytes(amount)
	}
	seconds, timeOK := int64(0), true
	if time != "" && time != "none" {
		seconds, timeOK = sshdSeconds(time)
	}
	return strconv.FormatInt(data, 10) + " " + strconv.FormatInt(seconds, 10), ok && timeOK
}

// sshdBytes reads an amount such as 512M or 1.5G.
func sshdBytes(s string) (int64, bool) {
	scale := 0
	if s != "" {
		if at := strings.IndexByte("bkmgtpe", s[len(s)-1]|0x20); at >= 0 {
			s, scale = s[:len(s)-1], 10*at
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	isPlain := strings.Trim(s, "0123456789.") == ""
	bytes := math.Ldexp(n, scale)
	if err != nil || !isPlain || bytes >= math.MaxInt64 {
		return 0, false
	}
	return int64(bytes), true
}
