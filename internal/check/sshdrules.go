package check

func sshdRules() []Rule {
	const remedy = " in /etc/ssh/sshd_config, and reload sshd."
	return []Rule{
		{
			"sshd.permitrootlogin", High, 1, "5.1.20",
			"Root's name is known, and who logs in as root leaves no name of his own.",
			"Set PermitRootLogin no" + remedy,
		},
		{
			"sshd.permitemptypasswords", Critical, 1, "5.1.19",
			"Anyone who knows the name of an account without a password logs in.",
			"Set PermitEmptyPasswords no" + remedy,
		},
		{
			"sshd.permituserenvironment", High, 1, "5.1.21",
			"Users get around limits of theirs by variables such as LD_PRELOAD.",
			"Set PermitUserEnvironment no" + remedy,
		},
		{
			"sshd.hostbasedauthentication", High, 1, "5.1.10",
			"Who is root on another host logs in here as anyone.",
			"Set HostbasedAuthentication no" + remedy,
		},
		{
			"sshd.ignorerhosts", Medium, 1, "5.1.11",
			"Files that users write would say which hosts are trusted.",
			"Set IgnoreRhosts yes" + remedy,
		},
		{
			"sshd.gssapiauthentication", Low, 2, "5.1.9",
			"Where nobody uses Kerberos, it is but a larger surface to attack.",
			"Set GSSAPIAuthentication no" + remedy,
		},
		{
			"sshd.disableforwarding", Medium, 2, "5.1.8",
			"Forwarding makes ways through firewalls that nobody sees.",
			"Set DisableForwarding yes" + remedy,
		},
		{
			"sshd.passwordauthentication", Medium, 2, "",
			"Passwords are guessed and given away; keys are not.",
			"Set PasswordAuthentication no" + remedy,
		},
		{
			"sshd.strictmodes", High, 1, "",
			"Others may write the keys by which a user logs in.",
			"Set StrictModes yes" + remedy,
		},
		{
			"sshd.usepam", Medium, 1, "5.1.22",
			"Limits, locks and the expiry of accounts are PAM's: without it they do not hold.",
			"Set UsePAM yes" + remedy,
		},
		{
			"sshd.loglevel", Low, 1, "5.1.14",
			"Less does not tell who logged in, and more tells what nobody may know.",
			"Set LogLevel INFO or VERBOSE" + remedy,
		},
		{
			"sshd.logingracetime", Low, 1, "5.1.13",
			"Connections that never log in keep others out.",
			"Set LoginGraceTime to 60 or less" + remedy,
		},
		{
			"sshd.maxauthtries", Medium, 1, "5.1.16",
			"Each try is one more password guessed.",
			"Set MaxAuthTries to 4 or less" + remedy,
		},
		{
			"sshd.maxsessions", Low, 1, "5.1.17",
			"Many sessions in one connection wear the host out.",
			"Set MaxSessions to 10 or less" + remedy,
		},
		{
			"sshd.maxstartups", Low, 1, "5.1.18",
			"Connections that have not logged in wear the host out.",
			"Set MaxStartups 10:30:60" + remedy,
		},
		{
			"sshd.banner", Low, 1, "5.1.5",
			"A warning before the login helps to hold intruders to account.",
			"Set Banner to a file with the warning" + remedy,
		},
		{
			"sshd.ciphers", Medium, 1, "5.1.6",
			"Old ciphers let who listens find out parts of what is said.",
			"Take the ciphers in CBC mode and RC4 out of Ciphers" + remedy,
		},
		{
			"sshd.kexalgorithms", Medium, 1, "5.1.12",
			"Key exchanges with SHA-1 can be broken by who has means enough.",
			"Take the algorithms with SHA-1 out of KexAlgorithms" + remedy,
		},
		{
			"sshd.macs", Medium, 1, "5.1.15",
			"Short and old checksums let who is in between change what is said.",
			"Set MACs -umac-64@openssh.com,umac-64-etm@openssh.com" + remedy,
		},
		{
			"sshd.client_alive", Low, 1, "5.1.7",
			"The session of a client that has gone stays open, and takes the place of others.",
			"Set ClientAliveInterval 15 and ClientAliveCountMax 3" + remedy,
		},
		{
			"sshd.access", Low, 1, "5.1.4",
			"Accounts that never need to log in from afar could.",
			"Set AllowGroups or AllowUsers" + remedy,
		},
	}
}
