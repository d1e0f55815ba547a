//go:build linux && host

package check

import (
	"regexp"
	"slices"
)

// A counterpart is what the others have for one of our rules.
type counterpart struct {
	rule  string
	oscap []string // rules of OpenSCAP's content, all of which must pass
	lynis []lynis  // tests of Lynis, all of which must be in order
}

// A lynis is a test, or one part of it, and how its log says what came of it.
type lynis struct {
	test, part string
	good, bad  string // regular expressions
}

func (l lynis) String() string {
	if l.part == "" {
		return l.test
	}
	return l.test + " " + l.part
}

func counterparts() []counterpart {
	return slices.Concat(accountCounterparts(), sshdCounterparts(), mountCounterparts(), sysctlCounterparts(),
		serviceCounterparts(), otherCounterparts())
}

func accountCounterparts() []counterpart {
	oscap := func(ids ...string) []string { return ids }
	one := func(test, part, good, bad string) []lynis { return []lynis{{test, part, good, bad}} }
	return []counterpart{
		{"account.uid_zero", oscap("accounts_no_uid_except_zero"), one("AUTH-9204", "", "No accounts found with UID 0", "more than one administrator")},
		{"account.shadowed", oscap("accounts_password_all_shadowed"), nil},
		{"account.groups_exist", oscap("gid_passwd_group_same"), nil},
		{"account.unique_uids", nil, one("AUTH-9208", "", "all accounts found in .* are unique", "multiple accounts with same UID")},
		{"account.unique_gids", nil, one("AUTH-9222", "", "All group ID's are unique", "the same group ID multiple times")},
		{"account.unique_names", oscap("account_unique_name"), nil},
		{"account.unique_groups", nil, one("AUTH-9226", "", "All group names are unique", "the same group name multiple times")},
		{"shadow.empty_password", oscap("no_empty_passwords_etc_shadow"), one("AUTH-9283", "", "all accounts seem to have a password", "accounts without password$")},
		{"shadow.weak_hash", nil, one("AUTH-9229", "", "no poor password hashing", "Result: poor password hashing")},
		{"shadow.max_days", nil, one("AUTH-9282", "", "all accounts seem to have an expire date", "accounts without expire date set")},
		{"login_defs.umask", oscap("accounts_umask_etc_login_defs"), one("AUTH-9328", "login.defs", "Result: umask is .*, which is fine", "found umask .*, which could be improved|umask value is not configured")},
		{"login_defs.pass_max_days", oscap("accounts_maximum_age_login_defs"), one("AUTH-9286", "maximum", "max password age is", "aging limits are not configured")},
		{"login_defs.pass_min_days", oscap("accounts_minimum_age_login_defs"), one("AUTH-9286", "minimum", "password needs to be at least", "minimum age is not configured")},
		{"login_defs.pass_warn_age", oscap("accounts_password_warn_age_login_defs"), nil},
		{"sudo.use_pty", oscap("sudo_add_use_pty"), nil},
		{"sudo.logfile", oscap("sudo_custom_logfile"), nil},
		{"sudo.nopasswd", oscap("sudo_remove_nopasswd"), nil},
		{"sudo.authenticate", oscap("sudo_remove_no_authenticate"), nil},
		{"sudo.writable", nil, one("AUTH-9252", "", "permissions OK", "possibly unsafe")},
	}
}

func sshdCounterparts() []counterpart {
	option := func(names ...string) []lynis {
		var all []lynis
		for _, name := range names {
			all = append(all, lynis{
				"SSH-7408", name, "OpenSSH option " + name + " is configured very well",
				"OpenSSH option " + name + " is (configured reasonably|in a weak)",
			})
		}
		return all
	}
	oscap := func(ids ...string) []string { return ids }
	return []counterpart{
		{"sshd.permitrootlogin", oscap("sshd_disable_root_login"), option("PermitRootLogin")},
		{"sshd.permitemptypasswords", oscap("sshd_disable_empty_passwords"), nil},
		{"sshd.permituserenvironment", oscap("sshd_do_not_permit_user_env"), option("PermitUserEnvironment")},
		{"sshd.hostbasedauthentication", oscap("disable_host_auth"), nil},
		{"sshd.ignorerhosts", oscap("sshd_disable_rhosts"), option("IgnoreRhosts")},
		{"sshd.gssapiauthentication", oscap("sshd_disable_gssapi_auth"), nil},
		{
			"sshd.disableforwarding", oscap("sshd_disable_tcp_forwarding", "sshd_disable_x11_forwarding"),
			option("AllowTcpForwarding", "AllowAgentForwarding", "X11Forwarding", "PermitTunnel"),
		},
		{"sshd.strictmodes", oscap("sshd_enable_strictmodes"), option("StrictModes")},
		{"sshd.usepam", oscap("sshd_enable_pam"), nil},
		{"sshd.loglevel", oscap("sshd_set_loglevel_info"), option("LogLevel")},
		{"sshd.logingracetime", oscap("sshd_set_login_grace_time"), option("LoginGraceTime")},
		{"sshd.maxauthtries", oscap("sshd_set_max_auth_tries"), option("MaxAuthTries")},
		{"sshd.maxsessions", oscap("sshd_set_max_sessions"), option("MaxSessions")},
		{"sshd.maxstartups", oscap("sshd_set_maxstartups"), nil},
		{"sshd.banner", oscap("sshd_enable_warning_banner"), nil},
		{"sshd.client_alive", oscap("sshd_set_idle_timeout"), option("ClientAliveInterval", "ClientAliveCountMax")},
		{"sshd.access", nil, []lynis{{"SSH-7440", "", "limited to a specific set of users", "no specific user or group limitation"}}},
	}
}

func mountCounterparts() []counterpart {
	all := []counterpart{
		{"mount_options.var_log.separate", []string{"partition_for_var_log"}, nil},
		{"mount_options.var_log_audit.separate", []string{"partition_for_var_log_audit"}, nil},
	}
	for _, dir := range []string{"tmp", "home", "var"} {
		all = append(all, counterpart{
			"mount_options." + dir + ".separate",
			[]string{"partition_for_" + dir},
			[]lynis{{"FILE-6310", "/" + dir, "found /" + dir + " as a separated", "/" + dir + " not found in mount list"}},
		})
	}
	for _, m := range mountTable() {
		for _, option := range m.options {
			c := counterpart{m.id(option), nil, []lynis{{
				"FILE-6374", m.path + " " + option, "GOOD, found mount option " + option + " on file system " + m.path + "$",
				"not find mount option " + option + " on file system " + m.path + "$",
			}}}
			if m.path == "/dev/shm" && option != "noexec" {
				c.oscap = []string{"mount_option_dev_shm_" + option}
			}
			all = append(all, c)
		}
	}
	return all
}

func sysctlCounterparts() []counterpart {
	oscap := []string{
		"fs.protected_hardlinks", "fs.protected_symlinks", "fs.suid_dumpable", "kernel.kptr_restrict", "kernel.randomize_va_space",
	}
	unknown := []string{ // to Lynis
		"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.default.send_redirects",
		"net.ipv4.conf.all.secure_redirects", "net.ipv4.conf.default.secure_redirects", "net.ipv4.conf.default.rp_filter",
		"net.ipv6.conf.all.accept_ra", "net.ipv6.conf.default.accept_ra", "kernel.kexec_load_disabled", "kernel.io_uring_disabled",
	}
	var all []counterpart
	for _, p := range sysctlTable() {
		if slices.Contains(unknown, p.param) {
			continue
		}
		key := regexp.QuoteMeta(p.param)
		c := counterpart{"sysctl." + p.param, nil, []lynis{{
			"KRNL-6000", p.param, "sysctl key " + key + " contains equal", "sysctl key " + key + " has a different",
		}}}
		if slices.Contains(oscap, p.param) {
			c.oscap = []string{"sysctl_" + regexp.MustCompile(`\.`).ReplaceAllString(p.param, "_")}
		}
		all = append(all, c)
	}
	return all
}

func serviceCounterparts() []counterpart {
	runs := func(rule, test, no, yes string, oscap ...string) counterpart {
		return counterpart{"service." + rule, oscap, []lynis{{test, "", no, yes}}}
	}
	return []counterpart{
		runs("dns", "NAME-4202", "BIND not running", "found BIND process"),
		runs("ldap", "LDAP-2219", "No running slapd", "Found running slapd"),
		runs("mail_access", "MAIL-8838", "dovecot not found", "found running dovecot"),
		runs("nis", "INSE-8316", "NIS server is NOT installed", "Result: NIS server is installed", "package_nis_removed"),
		runs("print", "PRNT-2304", "cups daemon not running", "cups daemon running"),
		runs("proxy", "SQD-3602", "No running Squid", "Squid daemon is running"),
		runs("snmp", "SNMP-3302", "No running SNMP", "SNMP daemon is running", "service_snmpd_disabled"),
		runs("web", "HTTP-6702", "no running nginx", "found running nginx"),
		runs("xinetd", "INSE-8102", "xinetd is NOT running", "xinetd is running"),
	}
}

func otherCounterparts() []counterpart {
	return []counterpart{
		{"firewall.filters_input", nil, []lynis{
			{"FIRE-4540", "", "found [0-9]+ rules", "considered to be empty"},
			{"FIRE-4590", "", "packet filter is active", "no host based firewall"},
		}},
		{"auditd.running", []string{"service_auditd_enabled"}, []lynis{{"ACCT-9628", "", "auditd running", "auditd not active"}}},
		{"auditd.rules", nil, []lynis{{"ACCT-9630", "", "found auditd rules", "auditd rules empty"}}},
		{"search_path.absolute", []string{"root_path_no_dot"}, nil},
		{"search_path.directories", []string{"accounts_root_path_dirs_no_write", "dir_permissions_binary_dirs", "dir_ownership_binary_dirs"}, nil},
		{"search_path.files", []string{"file_permissions_binary_dirs"}, nil},
		{"crontab.writable", nil, []lynis{{"SCHD-7704", "", "", "insecure file permissions|incorrect owner"}}},
		{"crontab.private", nil, []lynis{{
			"FILE-7524", "/etc/crontab", `checking if file /etc/crontab .*\n.*correct permissions`,
			`checking if file /etc/crontab .*\n.*not matching`,
		}}},
		{"apparmor.enabled", nil, []lynis{{"MACF-6208", "", "AppArmor is enabled and a policy", "AppArmor is|could not find or read"}}},
		{"lsm.mandatory", nil, []lynis{{"MACF-6290", "", "found implemented", "found no implemented"}}},
		{"secure_boot.enabled", nil, []lynis{{"BOOT-5116", "", "SecureBoot file with enabled", "system not booted with Secure Boot"}}},
	}
}
