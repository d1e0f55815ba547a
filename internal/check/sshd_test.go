package check

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sshdCases are configurations and what differs from an empty one. The
// comparison with sshd itself reads them too.
var sshdCases = []struct{ name, config, want string }{
	{"nothing", "", ""},
	{"a value", "PermitRootLogin no", "permitrootlogin no"},
	{"the first of two", "X11Forwarding yes\nx11forwarding no", "x11forwarding yes"},
	{"capitals", "PERMITROOTLOGIN YES", "permitrootlogin yes"},
	{"an equals sign", "StrictModes=no", "strictmodes no"},
	{"an equals sign in space", "StrictModes = no", "strictmodes no"},
	{"tabs", "\tStrictModes\t\tno\t", "strictmodes no"},
	{"quotes", `StrictModes "no"`, "strictmodes no"},
	{"single quotes", `StrictModes 'no'`, "strictmodes no"},
	{"a keyword in quotes", `"StrictModes" no`, "strictmodes no"},
	{"a comment", "#StrictModes no\n # StrictModes no\nUseDNS yes # StrictModes no", "usedns yes"},
	{"windows line ends", "StrictModes no\r\nUseDNS yes\r\n", "strictmodes no; usedns yes"},
	{"a former word", "PermitRootLogin without-password", ""},
	{
		"former names", "ChallengeResponseAuthentication no\nKeepAlive no\nDSAAuthentication no",
		"kbdinteractiveauthentication no; pubkeyauthentication no; tcpkeepalive no",
	},
	{"a new name after the former", "KbdInteractiveAuthentication no\nChallengeResponseAuthentication yes", "kbdinteractiveauthentication no"},
	{
		"times", "LoginGraceTime 1h30m\nClientAliveInterval 5M\nUnusedConnectionTimeout 2d1",
		"clientaliveinterval 300; logingracetime 5400; unusedconnectiontimeout 172801",
	},
	{"no time", "LoginGraceTime 0", "logingracetime 0"},
	{"levels", "LogLevel verbose\nSyslogFacility authpriv", "loglevel VERBOSE; syslogfacility AUTHPRIV"},
	{"another name of a level", "LogLevel QUIET", "loglevel SILENT"},
	{"a number of a level", "LogLevel debug1", "loglevel DEBUG"},
	{
		"ports and addresses", "ListenAddress 127.0.0.1\nPort 2222\nPort 23\nListenAddress ::1\nListenAddress [::1]:99\nListenAddress 127.0.0.2:77",
		"listenaddress 127.0.0.1:2222; listenaddress 127.0.0.1:23; listenaddress 127.0.0.2:77; listenaddress [::1]:2222; " +
			"listenaddress [::1]:23; listenaddress [::1]:99; port 2222; port 23",
	},
	{"one family", "AddressFamily inet", "addressfamily inet; listenaddress 0.0.0.0:22"},
	{"the other family", "AddressFamily inet6", "addressfamily inet6; listenaddress [::]:22"},
	{
		"lists that grow", "AllowUsers a b@c\nAllowUsers d\nAcceptEnv LANG LC_*\nAcceptEnv A",
		"acceptenv A; acceptenv LANG; acceptenv LC_*; allowusers a; allowusers b@c; allowusers d",
	},
	{
		"lists that do not", "SetEnv A=b C=\"d e\"\nSetEnv X=y\nAuthorizedKeysFile a b\nAuthorizedKeysFile c",
		"authorizedkeysfile a b; setenv A=b; setenv C=d e",
	},
	{"subsystems", "Subsystem sftp internal-sftp -f X\nSubsystem a b \"c d\"", "subsystem a b c d; subsystem sftp internal-sftp -f X"},
	{
		"the last counts", "FingerprintHash sha256\nFingerprintHash MD5\nMaxStartups 5\nMaxStartups 6:30:60\nStreamLocalBindMask 077\nStreamLocalBindMask 022",
		"fingerprinthash MD5; maxstartups 6:30:60; streamlocalbindmask 022",
	},
	{"one number of connections", "MaxStartups 7", "maxstartups 7:30:7"},
	{"the rest of a line", `ForceCommand "a b"  c # d`, `forcecommand "a b"  c # d`},
	{"a path in quotes", `ChrootDirectory "/a b"`, "chrootdirectory /a b"},
	{"an escape", `ChrootDirectory /a\ b\\`, `chrootdirectory /a b\`},
	{"none in capitals", "Banner NONE\nVersionAddendum None", ""},
	{"limits", "RekeyLimit 1G 1h\nMaxAuthTries 3\nMaxSessions 2", "maxauthtries 3; maxsessions 2; rekeylimit 1073741824 3600"},
	{
		"zeros before numbers", "MaxAuthTries 010\nMaxSessions +4\nClientAliveCountMax 09\nPort 0022\nMaxStartups 010:030:060\nStreamLocalBindMask 77",
		"clientalivecountmax 9; maxauthtries 10; maxsessions 4; maxstartups 10:30:60; streamlocalbindmask 077",
	},
	{"limits with fractions", "RekeyLimit 1.5G", "rekeylimit 1610612736 0"},
	{"large limits", "RekeyLimit 1T 90s", "rekeylimit 1099511627776 90"},
	{"what does nothing any more", "Protocol 1\nUseLogin yes\nServerKeyBits 768\nUsePrivilegeSeparation no\nAuthorizedKeysFile2 x", ""},
	{"a hash in small letters", "FingerprintHash md5", "fingerprinthash MD5"},
	{"where to listen", "PermitListen 80 a:1 *:2", "permitlisten *:80 a:1 *:2"},
	{"one quality of service", "IPQoS lowdelay", "ipqos lowdelay lowdelay"},
	{"two qualities of service", "IPQoS af21 cs1", "ipqos af21 cs1"},
	{"nobody", "AllowUsers #a\nDenyUsers b", "denyusers b"},
	{"default limits", "RekeyLimit default none", ""},
	{"synonyms", "AllowTcpForwarding all\nCompression delayed\nIgnoreRhosts shosts-only", "ignorerhosts shosts-only"},
	{"several methods", "AuthenticationMethods publickey,password publickey", "authenticationmethods publickey,password publickey"},
	{"opens", "PermitOpen a:1 b:2", "permitopen a:1 b:2"},
	{"environment", "PermitUserEnvironment LANG,LC_*", "permituserenvironment LANG,LC_*"},
	{
		"algorithms", "Ciphers aes256-ctr\nMACs hmac-sha2-256,hmac-sha1\nHostbasedAcceptedKeyTypes ssh-ed25519",
		"ciphers aes256-ctr; hostbasedacceptedalgorithms ssh-ed25519; macs hmac-sha2-256,hmac-sha1",
	},
	{"a match block", "PermitRootLogin no\nMatch User alice\nPermitRootLogin yes\nX11Forwarding yes", "permitrootlogin no"},
	{"a match for all", "Match user a\nPermitRootLogin no\nMatch ALL\nPermitEmptyPasswords yes", "permitemptypasswords yes"},
	{"an include", "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes", "permitrootlogin no; usedns yes"},
	{"an include that comes later", "PermitRootLogin yes\nInclude sshd_config.d/*.conf", "permitrootlogin yes; usedns yes"},
	{"an include of nothing", "Include /etc/ssh/none/*.conf /none\nUseDNS yes", "usedns yes"},
	{"an include in a match block", "Match User a\nInclude sshd_config.d/10-*.conf\nMatch all\nStrictModes no", "strictmodes no"},
	{"a match block in an include", "Include sshd_config.d/match\nUseDNS yes", "usedns yes"},
	{"a match for all in an include of a match block", "Match User a\nInclude sshd_config.d/all\nMatch all\nStrictModes no", "strictmodes no"},
}

var sshdIncluded = map[string]string{
	"etc/ssh/sshd_config.d/10-a.conf":  "PermitRootLogin no\n",
	"etc/ssh/sshd_config.d/20-b.conf":  "PermitRootLogin yes\nUseDNS yes\n",
	"etc/ssh/sshd_config.d/.hide.conf": "StrictModes no\n",
	"etc/ssh/sshd_config.d/c.off":      "StrictModes no\n",
	"etc/ssh/sshd_config.d/match":      "Match User b\nX11Forwarding yes\n",
	"etc/ssh/sshd_config.d/all":        "Match all\nX11Forwarding yes\n",
}

func sshdTree(t testing.TB, config string) tree {
	t.Helper()
	h := newTree(t, sshdIncluded)
	h.write("etc/ssh/sshd_config", config)
	return h
}

// effective are the settings for all connections, a line each.
func effective(o Outcome) []string {
	var all []string
	for _, p := range o.Points {
		if key := p.Label("info_key"); !strings.Contains(key, "[") {
			all = append(all, key+" "+p.Label("info_value"))
		}
	}
	return all
}

// without are the lines that are not in the others, in order.
func without(all, others []string) string {
	var left []string
	for _, line := range all {
		if !slices.Contains(others, line) {
			left = append(left, line)
		}
	}
	slices.Sort(left)
	return strings.Join(left, "; ")
}

func TestSSHD(t *testing.T) {
	empty := effective(one(t, sshd(), sshdTree(t, "").host()))
	for _, test := range sshdCases {
		t.Run(test.name, func(t *testing.T) {
			o := one(t, sshd(), sshdTree(t, test.config).host())
			equal(t, "status", o.Status, OK)
			want := test.want
			if strings.Contains(test.name, "one family") || strings.Contains(test.name, "other family") {
				want, _, _ = strings.Cut(test.want, ";") // the address is one of the defaults
			}
			equal(t, "settings", without(effective(o), empty), want)
		})
	}
}

func TestSSHDMatchBlocks(t *testing.T) {
	o := one(t, sshd(), sshdTree(t, `
		PermitRootLogin no
		Match User alice Address 10.0.0.0/8
			PermitRootLogin yes
			X11Forwarding yes
		Match Group "a b"
			Include sshd_config.d/10-a.conf sshd_config.d/match
			AllowUsers x y
		Match User alice Address 10.0.0.0/8
			X11Forwarding no
			Banner /etc/issue`).host())
	var got []string
	for _, p := range o.Points {
		if key := p.Label("info_key"); strings.Contains(key, "[") {
			got = append(got, key+" = "+p.Label("info_value"))
		}
	}
	want := []string{
		"permitrootlogin [User alice Address 10.0.0.0/8] = yes",
		"x11forwarding [User alice Address 10.0.0.0/8] = yes",
		"banner [User alice Address 10.0.0.0/8] = /etc/issue",
		"permitrootlogin [Group a b] = no",
		"allowusers [Group a b] = x",
		"allowusers [Group a b] = y",
		"x11forwarding [Group a b User b] = yes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range o.Results {
		if r.Rule == "sshd.permitrootlogin" {
			equal(t, "result", r, Result{r.Rule, High, false, "no, but yes for User alice Address 10.0.0.0/8"})
		}
	}
}

func TestSSHDRules(t *testing.T) {
	const good = "PermitRootLogin no\nGSSAPIAuthentication no\nDisableForwarding yes\nPasswordAuthentication no\nUsePAM yes\n" +
		"LoginGraceTime 1m\nMaxAuthTries 4\nMaxStartups 10:30:60\nBanner /etc/issue.net\nMACs -umac-64*\n" +
		"ClientAliveInterval 15\nAllowGroups ssh\n"
	for id, pass := range verdicts(one(t, sshd(), sshdTree(t, good).host())) {
		equal(t, id, pass, true)
	}
	for line, rule := range map[string]string{
		"PermitRootLogin yes":                       "permitrootlogin",
		"PermitRootLogin prohibit-password":         "permitrootlogin",
		"PermitEmptyPasswords yes":                  "permitemptypasswords",
		"PermitUserEnvironment LANG":                "permituserenvironment",
		"HostbasedAuthentication yes":               "hostbasedauthentication",
		"IgnoreRhosts no":                           "ignorerhosts",
		"GSSAPIAuthentication yes":                  "gssapiauthentication",
		"DisableForwarding no":                      "disableforwarding",
		"PasswordAuthentication yes":                "passwordauthentication",
		"StrictModes no":                            "strictmodes",
		"UsePAM no":                                 "usepam",
		"LogLevel DEBUG":                            "loglevel",
		"LoginGraceTime 0":                          "logingracetime",
		"LoginGraceTime 61":                         "logingracetime",
		"MaxAuthTries 6":                            "maxauthtries",
		"MaxSessions 11":                            "maxsessions",
		"MaxStartups 10:30:100":                     "maxstartups",
		"Banner none":                               "banner",
		"Ciphers aes128-ctr,aes128-cbc":             "ciphers",
		"Ciphers +3des-cbc":                         "ciphers",
		"KexAlgorithms diffie-hellman-group14-sha1": "kexalgorithms",
		"MACs hmac-sha2-256,umac-64@openssh.com":    "macs",
		"MACs ^hmac-sha2-256":                       "macs",
		"MACs -hmac-sha1":                           "macs",
		"ClientAliveInterval 0":                     "client_alive",
		"ClientAliveCountMax 0":                     "client_alive",
	} {
		for id, pass := range verdicts(one(t, sshd(), sshdTree(t, line+"\n"+good+"MaxStartups 10:30:60\n"+lastOf(line)).host())) {
			equal(t, line+": "+id, pass, id != "sshd."+rule)
		}
	}
}

// lastOf repeats a line whose last one counts.
func lastOf(line string) string {
	if strings.HasPrefix(line, "MaxStartups") {
		return line
	}
	return ""
}

func TestSSHDStatus(t *testing.T) {
	equal(t, "without sshd", one(t, sshd(), newTree(t, nil).host()).Status, OK)
	equal(t, "points without sshd", len(one(t, sshd(), newTree(t, nil).host()).Points), 0)
	for config, want := range map[string]Status{
		"PermitRootLogin":         Error,
		"PermitRootLogin maybe":   Error,
		"Banner \"x":              Error,
		"LogLevel loud":           Error,
		"MaxAuthTries 0x4":        Error,
		"MaxSessions -1":          Error,
		"Port 70000":              Error,
		"LoginGraceTime none":     Error,
		"MaxStartups 0:30:60":     Error,
		"RekeyLimit 1X":           Error,
		"SyslogFacility mail":     Error,
		"LoginGraceTime 5x":       Error,
		"RekeyLimit 5x":           Error,
		"Include /etc/ssh/dir":    Unreadable,
		"Include sshd_config":     Error,
		"Include sshd_config.d/*": OK,
		"Unknown yes":             OK,
	} {
		h := sshdTree(t, config+"\n")
		h.write("etc/ssh/dir/x", "")
		equal(t, config, one(t, sshd(), h.host()).Status, want)
	}
}

// What may be set in a file that cannot be read is not known after it.
func TestSSHDUnreadableInclude(t *testing.T) {
	h := sshdTree(t, "StrictModes no\nAllowUsers a\nPort 23\nListenAddress ::\nInclude sshd_config.d/*.conf\nUsePAM yes\nAllowUsers b\n").faulty(
		map[string]error{"etc/ssh/sshd_config.d/10-a.conf": fs.ErrPermission}, nil)
	expect(t, one(t, sshd(), h), `
		sshd_config_info{info_key="strictmodes",info_value="no"} 1
		sshd_config_info{info_key="allowusers",info_value="a"} 1
		sshd_config_info{info_key="allowusers",info_value="b"} 1
		sshd_config_info{info_key="port",info_value="23"} 1
		sshd.strictmodes fail (no)
		status unreadable`)
}

// A change shows what was and what is.
func TestSSHDDrift(t *testing.T) {
	h := sshdTree(t, "PermitRootLogin no\n")
	var b baseline
	b.compare(one(t, sshd(), h.host()))
	h.write("etc/ssh/sshd_config", "PermitRootLogin yes\nAllowUsers a\n")
	var got []string
	for _, c := range b.compare(one(t, sshd(), h.host())) {
		got = append(got, strings.Join([]string{c.Item, string(c.Kind), c.Old, c.New, string(c.Was), string(c.Is), string(c.Severity)}, " "))
	}
	want := []string{
		"sshd.permitrootlogin changed no yes pass fail high",
		"sshd.access changed none allowusers fail pass low",
		"sshd.allowusers added  a   medium",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGlob(t *testing.T) {
	h := newTree(t, map[string]string{
		"d/b.conf": "", "d/a.conf": "", "d/.c.conf": "", "d/x": "", "e/a.conf": "", "f": "", "link": "-> d", "dangling": "-> none",
	}).host()
	for pattern, want := range map[string]string{
		"/d/*.conf":  "d/a.conf d/b.conf",
		"/*/a.conf":  "d/a.conf e/a.conf link/a.conf",
		"/d/[!b]*":   "d/a.conf d/x",
		"/d/.*.conf": "d/.c.conf",
		"/d/x":       "d/x",
		"/d/y":       "",
		"/none/*":    "",
		"/f/*":       "",
		"/f/x":       "",
		"/dangling":  "",
		"/d/[":       "",
	} {
		names, err := h.Glob(pattern)
		equal(t, pattern, strings.Join(names, " "), want)
		equal(t, pattern, err, nil)
	}
}

func FuzzSSHD(f *testing.F) {
	for _, test := range sshdCases {
		f.Add(test.config)
	}
	f.Fuzz(func(_ *testing.T, config string) {
		c := newSSHDConfig()
		for line := range strings.Lines(config) {
			keyword, rest := sshdKeyword(line)
			args, err := sshdArguments(rest)
			if err == nil && keyword != "" && len(args) > 0 {
				c.global.set(keyword, rest, args)
				c.match(c.global, args).set(keyword, rest, args)
			}
		}
		c.global.complete()
		found := newFindings(100)
		c.judge(found)
		c.global.show(found)
	})
}
