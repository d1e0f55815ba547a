package receiver

// defaultWatchList are the files that decide who may do what on a host. Many
// programs read the ones of severity warning all the time; only changing
// them is worth a look.
func defaultWatchList() WatchList {
	var list WatchList
	add := func(severity Severity, operation Operation, paths ...WatchPath) {
		for _, path := range paths {
			list = append(list, Watch{Path: path, Severity: severity, Operation: operation})
		}
	}
	add(critical, anyOperation, "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-")
	add(critical, write, "/etc/passwd")
	add(warning, write,
		"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/",
		"/etc/sudoers", "/etc/sudoers.d/",
		"/etc/pam.d/",
		"~/.ssh/authorized_keys", "~/.ssh/authorized_keys2",
		"/etc/ld.so.preload",
		"/etc/crontab", "/etc/anacrontab", "/etc/cron.d/", "/etc/cron.hourly/",
		"/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/var/spool/cron/",
		"/etc/systemd/system/", "/run/systemd/system/", "/usr/local/lib/systemd/system/",
		"/usr/lib/systemd/system/", "/lib/systemd/system/")
	add(info, read, "/etc/passwd")
	add(info, anyOperation, "/etc/hosts", "/etc/resolv.conf", "/etc/fstab")
	return list
}
