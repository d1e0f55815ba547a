# A Debian of someone who wants no trouble with permissions.
useradd --non-unique --uid 0 --gid 0 --shell /bin/bash toor
useradd --create-home --shell /bin/bash alice
useradd --non-unique --uid "$(id -u alice)" --shell /bin/bash bob
useradd --gid 0 --shell /bin/bash carol
usermod --password "" alice
usermod --password '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/' bob
usermod --password '$6$saltsalt$lJ0UlX6mFHx7Ns2vWGzLw8uFmdgkRmjPSoLFpC9FPHQ8QZa8w0c5MkVRCsW5XzKnxl3RVM5tiNoyTn2xFh0pU.' carol
echo 'dave:$6$salt$hash:1010:4242::/home/dave:/bin/bash' >> /etc/passwd
echo 'alice:x:1020:4243::/home/alice:/bin/bash' >> /etc/passwd
echo 'twice:x:60001:' >> /etc/group
echo 'twice:x:60002:' >> /etc/group
echo 'other:x:60001:' >> /etc/group
usermod --append --groups shadow bob
usermod --shell /bin/bash games

cat > /etc/ssh/sshd_config <<END
PermitRootLogin yes
PermitEmptyPasswords yes
PermitUserEnvironment yes
HostbasedAuthentication yes
IgnoreRhosts no
GSSAPIAuthentication yes
X11Forwarding yes
AllowTcpForwarding yes
PasswordAuthentication yes
StrictModes no
UsePAM no
LogLevel QUIET
LoginGraceTime 600
MaxAuthTries 100
MaxSessions 100
MaxStartups 100
Banner none
ClientAliveInterval 0
END

set_login_def UMASK 002
set_login_def PASS_MAX_DAYS 99999
set_login_def PASS_MIN_DAYS 0
set_login_def PASS_WARN_AGE 0
set_login_def ENCRYPT_METHOD MD5

cat > /etc/sudoers <<END
Defaults !use_pty, !authenticate, timestamp_timeout=-1
root ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) NOPASSWD: ALL
@includedir /etc/sudoers.d
END
echo 'Defaults logfile=/var/log/sudo.log' > /etc/sudoers.d/log
chmod 0666 /etc/sudoers.d/log

set_sysctl net.ipv4.ip_forward 1
set_sysctl net.ipv6.conf.all.forwarding 1
set_sysctl net.ipv4.icmp_echo_ignore_broadcasts 0
set_sysctl net.ipv4.icmp_ignore_bogus_error_responses 0
set_sysctl net.ipv4.tcp_syncookies 0
for at in all default; do
	set_sysctl net.ipv4.conf.$at.send_redirects 1
	set_sysctl net.ipv4.conf.$at.accept_redirects 1
	set_sysctl net.ipv4.conf.$at.secure_redirects 1
	set_sysctl net.ipv4.conf.$at.accept_source_route 1
	set_sysctl net.ipv4.conf.$at.rp_filter 0
	set_sysctl net.ipv4.conf.$at.log_martians 0
	set_sysctl net.ipv6.conf.$at.accept_redirects 1
	set_sysctl net.ipv6.conf.$at.accept_source_route 1
	set_sysctl net.ipv6.conf.$at.accept_ra 1
done
set_sysctl net.core.bpf_jit_harden 0
set_sysctl kernel.randomize_va_space 0
set_sysctl kernel.yama.ptrace_scope 0
set_sysctl kernel.kptr_restrict 0
set_sysctl kernel.dmesg_restrict 0
set_sysctl kernel.unprivileged_bpf_disabled 0
set_sysctl kernel.perf_event_paranoid -1
set_sysctl fs.suid_dumpable 1
set_sysctl fs.protected_symlinks 0
set_sysctl fs.protected_hardlinks 0
set_sysctl fs.protected_fifos 0
set_sysctl fs.protected_regular 0

umount /tmp
mount -o remount,dev,suid,exec /dev/shm
separate /home dev,suid,exec
separate /var/log dev,suid,exec

chmod 0666 /etc/crontab
chmod 0777 /etc/cron.d /usr/local/bin
cp /bin/true /usr/bin/everybodys
chmod 0777 /usr/bin/everybodys

for name in snmpd squid slapd dovecot named ypserv xinetd nginx; do
	serve $name $name
done
serve cups cupsd
systemctl restart ssh
