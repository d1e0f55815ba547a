# A careful administrator's Debian.
useradd --create-home --shell /bin/bash --groups sudo admin
usermod --password '$6$saltsalt$lJ0UlX6mFHx7Ns2vWGzLw8uFmdgkRmjPSoLFpC9FPHQ8QZa8w0c5MkVRCsW5XzKnxl3RVM5tiNoyTn2xFh0pU.' admin
chage --mindays 1 --maxdays 365 --warndays 7 --inactive 30 admin

cat > /etc/ssh/sshd_config <<END
PermitRootLogin no
PermitEmptyPasswords no
PermitUserEnvironment no
HostbasedAuthentication no
IgnoreRhosts yes
GSSAPIAuthentication no
DisableForwarding yes
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no
GatewayPorts no
PasswordAuthentication no
StrictModes yes
UsePAM yes
LogLevel VERBOSE
LoginGraceTime 60
MaxAuthTries 3
MaxSessions 2
MaxStartups 10:30:60
Banner /etc/issue
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
ClientAliveInterval 300
ClientAliveCountMax 1
AllowGroups sudo
END

set_login_def UMASK 027
set_login_def PASS_MAX_DAYS 365
set_login_def PASS_MIN_DAYS 1
set_login_def PASS_WARN_AGE 7
set_login_def ENCRYPT_METHOD YESCRYPT

cat > /etc/sudoers <<END
Defaults use_pty
Defaults logfile="/var/log/sudo.log"
Defaults timestamp_timeout=5
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
END
chmod 0750 /etc/sudoers.d

set_sysctl net.ipv4.ip_forward 0
set_sysctl net.ipv6.conf.all.forwarding 0
set_sysctl net.ipv4.icmp_echo_ignore_broadcasts 1
set_sysctl net.ipv4.icmp_ignore_bogus_error_responses 1
set_sysctl net.ipv4.tcp_syncookies 1
for at in all default; do
	set_sysctl net.ipv4.conf.$at.send_redirects 0
	set_sysctl net.ipv4.conf.$at.accept_redirects 0
	set_sysctl net.ipv4.conf.$at.secure_redirects 0
	set_sysctl net.ipv4.conf.$at.accept_source_route 0
	set_sysctl net.ipv4.conf.$at.rp_filter 1
	set_sysctl net.ipv4.conf.$at.log_martians 1
	set_sysctl net.ipv6.conf.$at.accept_redirects 0
	set_sysctl net.ipv6.conf.$at.accept_source_route 0
	set_sysctl net.ipv6.conf.$at.accept_ra 0
done
set_sysctl net.core.bpf_jit_harden 2
set_sysctl kernel.randomize_va_space 2
set_sysctl kernel.yama.ptrace_scope 1
set_sysctl kernel.kptr_restrict 2
set_sysctl kernel.dmesg_restrict 1
set_sysctl kernel.unprivileged_bpf_disabled 1
set_sysctl kernel.perf_event_paranoid 3
set_sysctl fs.suid_dumpable 0
set_sysctl fs.protected_symlinks 1
set_sysctl fs.protected_hardlinks 1
set_sysctl fs.protected_fifos 2
set_sysctl fs.protected_regular 2

separate /tmp nodev,nosuid,noexec
separate /home nodev,nosuid
separate /var nodev,nosuid
separate /var/tmp nodev,nosuid,noexec
separate /var/log nodev,nosuid,noexec
separate /var/log/audit nodev,nosuid,noexec
mount -o remount,nodev,nosuid,noexec /dev/shm

nft -f - <<END
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		iif lo accept
		ct state established,related accept
		ct state invalid drop
		tcp dport 22 accept
	}
}
END

chmod 0600 /etc/crontab
chmod 0700 /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /etc/cron.d
echo root > /etc/cron.allow
chmod 0600 /etc/cron.allow
systemctl restart ssh
