package check

// An sshdKind says how an option is written, and which of several counts.
type sshdKind int

const (
	sshdRaw       sshdKind = iota // as it is
	sshdWord                      // in lower case
	sshdFacility                  // in upper case
	sshdLevel                     // in upper case
	sshdTime                      // seconds, or 1h30m
	sshdNumber                    // decimal, whatever zeros come first
	sshdMask                      // octal
	sshdRekey                     // 1G 1h
	sshdStartups                  // 10 or 10:30:100; the last counts, until OpenSSH 9.2 at least
	sshdList                      // all count, each argument for itself
	sshdFirstList                 // the first counts, each argument for itself
	sshdSubsystem                 // all count
	sshdListens                   // the first counts: ports, or hosts with ports
	sshdHash                      // in upper case; the last counts
	sshdQoS                       // one for interactive sessions and one for others, or one for both; the last counts
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
	case "maxauthtries", "maxsessions", "clientalivecountmax", "x11displayoffset", "requiredrsasize":
		return sshdNumber
	case "streamlocalbindmask":
		return sshdMask
	case "permitlisten":
		return sshdListens
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
	case "fingerprinthash":
		return sshdHash
	case "ipqos":
		return sshdQoS
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

// sshdName is an option's present name, "" of one that does nothing any more.
func sshdName(key string) string {
	switch key {
	case "protocol", "serverkeybits", "keyregenerationinterval", "rhostsauthentication", "rhostsrsaauthentication",
		"rsaauthentication", "verifyreversemapping", "reversemappingcheck", "authorizedkeysfile2", "uselogin",
		"useprivilegeseparation", "pamauthenticationviakbdint":
		return ""
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
