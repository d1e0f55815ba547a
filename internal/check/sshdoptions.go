package check

import (
	"slices"
	"strconv"
	"strings"
)

// An sshdKind says how an option is written, and which of several counts.
type sshdKind int

const (
	sshdRaw       sshdKind = iota // as it is
	sshdWord                      // in lower case
	sshdFacility                  // in upper case
	sshdLevel                     // in upper case
	sshdTime                      // seconds, or 1h30m
	sshdRekey                     // 1G 1h
	sshdStartups                  // 10 or 10:30:100; the last counts, until OpenSSH 9.2 at least
	sshdList                      // all count, each argument for itself
	sshdFirstList                 // the first counts, each argument for itself
	sshdSubsystem                 // all count
	sshdLast                      // the last counts
	sshdRest                      // the rest of the line, quotes and all
)

// sshdKindOf says how an option is written.
func sshdKindOf(key string) sshdKind {
	switch key {
	case "loglevel":
		return sshdLevel
	case "syslogfacility":
		return sshdFacility
	case "logingracetime", "clientaliveinterval", "unusedconnectiontimeout":
		return sshdTime
	case "rekeylimit":
		return sshdRekey
	case "maxstartups":
		return sshdStartups
	case "port", "listenaddress", "hostkey", "hostcertificate", "acceptenv",
		"allowusers", "denyusers", "allowgroups", "denygroups":
		return sshdList
	case "setenv":
		return sshdFirstList
	case "subsystem":
		return sshdSubsystem
	case "fingerprinthash", "streamlocalbindmask", "ipqos":
		return sshdLast
	case "forcecommand", "versionaddendum", "authorizedkeyscommand", "authorizedprincipalscommand":
		return sshdRest
	case "addressfamily", "usepam", "permitrootlogin", "ignorerhosts", "ignoreuserknownhosts", "hostbasedauthentication",
		"hostbasedusesnamefrompacketonly", "pubkeyauthentication", "kerberosauthentication", "kerberosorlocalpasswd",
		"kerberosticketcleanup", "gssapiauthentication", "gssapicleanupcredentials", "gssapistrictacceptorcheck",
		"gssapikeyexchange", "passwordauthentication", "kbdinteractiveauthentication", "printmotd", "printlastlog",
		"x11forwarding", "x11uselocalhost", "permittty", "permituserrc", "strictmodes", "tcpkeepalive",
		"permitemptypasswords", "compression", "gatewayports", "usedns", "allowtcpforwarding", "allowagentforwarding",
		"disableforwarding", "allowstreamlocalforwarding", "streamlocalbindunlink", "exposeauthinfo":
		return sshdWord
	}
	return sshdRaw
}

// sshdName is an option's present name.
func sshdName(key string) string {
	switch key {
	case "challengeresponseauthentication", "skeyauthentication":
		return "kbdinteractiveauthentication"
	case "dsaauthentication":
		return "pubkeyauthentication"
	case "hostdsakey":
		return "hostkey"
	case "keepalive":
		return "tcpkeepalive"
	case "hostbasedacceptedkeytypes":
		return "hostbasedacceptedalgorithms"
	case "pubkeyacceptedkeytypes":
		return "pubkeyacceptedalgorithms"
	}
	return key
}

// sshdDefaults are what sshd has where nothing is said, since OpenSSH 7.4. What
// depends on its version or its build is not among them.
func sshdDefaults() []string {
	return []string{
		"addressfamily any",
		"usepam no",
		"logingracetime 120",
		"maxauthtries 6",
		"maxsessions 10",
		"maxstartups 10:30:100",
		"clientaliveinterval 0",
		"clientalivecountmax 3",
		"streamlocalbindmask 0177",
		"permitrootlogin prohibit-password",
		"ignorerhosts yes",
		"ignoreuserknownhosts no",
		"hostbasedauthentication no",
		"hostbasedusesnamefrompacketonly no",
		"pubkeyauthentication yes",
		"kerberosauthentication no",
		"gssapiauthentication no",
		"passwordauthentication yes",
		"kbdinteractiveauthentication yes",
		"permitemptypasswords no",
		"permituserenvironment no",
		"authenticationmethods any",
		"strictmodes yes",
		"printmotd yes",
		"printlastlog yes",
		"x11forwarding no",
		"x11displayoffset 10",
		"x11uselocalhost yes",
		"permittty yes",
		"permituserrc yes",
		"permittunnel no",
		"permitopen any",
		"tcpkeepalive yes",
		"compression yes",
		"gatewayports no",
		"usedns no",
		"allowtcpforwarding yes",
		"allowagentforwarding yes",
		"allowstreamlocalforwarding yes",
		"streamlocalbindunlink no",
		"disableforwarding no",
		"fingerprinthash SHA256",
		"rekeylimit 0 0",
		"banner none",
		"forcecommand none",
		"chrootdirectory none",
		"trustedusercakeys none",
		"revokedkeys none",
		"authorizedprincipalsfile none",
		"versionaddendum none",
		"authorizedkeyscommand none",
		"authorizedkeyscommanduser none",
		"authorizedprincipalscommand none",
		"authorizedprincipalscommanduser none",
		"hostkeyagent none",
		"loglevel INFO",
		"syslogfacility AUTH",
		"authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2",
	}
}

// normal is a value as sshd -T shows it. It is not ok if sshd refuses it.
func (k sshdKind) normal(value string) (normal string, ok bool) {
	if strings.EqualFold(value, "none") {
		return "none", true
	}
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
	case sshdRekey:
		return sshdRekeyLimit(value)
	case sshdStartups:
		if !strings.Contains(value, ":") {
			return value + ":30:" + value, true
		}
	}
	return value, true
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
	data := int64(0)
	if amount != "default" {
		digits := strings.TrimRight(amount, "KMGkmg")
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || len(amount)-len(digits) > 1 {
			return "", false
		}
		data = n
		if digits != amount {
			data <<= 10 * (1 + strings.IndexByte("kmg", amount[len(digits)]|0x20))
		}
	}
	seconds := int64(0)
	if time != "" && time != "none" {
		var ok bool
		if seconds, ok = sshdSeconds(time); !ok {
			return "", false
		}
	}
	return strconv.FormatInt(data, 10) + " " + strconv.FormatInt(seconds, 10), true
}
