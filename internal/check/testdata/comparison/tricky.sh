# A Debian that is not what a search for words in its files takes it for.
useradd --non-unique --uid 0 --gid 100 --shell /bin/bash zero
sed -i 's/^zero:x:0:/zero:x:00:/' /etc/passwd
useradd --create-home --shell /bin/bash alice
usermod --password '$6$saltsalt$lJ0UlX6mFHx7Ns2vWGzLw8uFmdgkRmjPSoLFpC9FPHQ8QZa8w0c5MkVRCsW5XzKnxl3RVM5tiNoyTn2xFh0pU.' alice
chage --mindays 1 --maxdays 365 --warndays 7 --inactive 30 alice

# sshd takes the first value that it meets, and Debian's file begins with an Include.
cat > /etc/ssh/sshd_config <<END
Include /etc/ssh/sshd_config.d/*.conf
PermitRootLogin no
PermitEmptyPasswords no
PermitUserEnvironment no
HostbasedAuthentication no
IgnoreRhosts yes
GSSAPIAuthentication no
X11Forwarding no
AllowTcpForwarding no
StrictModes yes
UsePAM yes
Banner /etc/issue
LogLevel INFO
MaxAuthTries 4
ClientAliveInterval 300
END
cat > /etc/ssh/sshd_config.d/local.conf <<END
permitrootlogin=yes
PERMITEMPTYPASSWORDS	yes
PermitUserEnvironment "yes"
HostbasedAuthentication = yes
ignorerhosts shosts-only
StrictModes no
LogLevel QUIET
LoginGraceTime 1m
MaxAuthTries 20
MaxSessions 8
MaxStartups 5:50:30
Banner none
Match User alice
	GSSAPIAuthentication yes
	X11Forwarding yes
	AllowTcpForwarding yes
END

set_login_def UMASK 0077
echo 'PASS_MAX_DAYS 300' >> /etc/login.defs
echo 'PASS_MAX_DAYS 0x100' >> /etc/login.defs
echo 'PASS_MIN_DAYS 01' >> /etc/login.defs

# sudo reads no file with a dot or a tilde in its name.
cat > /etc/sudoers <<END
Defaults use_pty
Defaults !use_pty
Defaults:alice logfile=/var/log/sudo.log
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
#includedir /etc/sudo.d
END
echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice.old
mkdir /etc/sudo.d
echo 'Defaults!ALL !authenticate' > /etc/sudo.d/all
chmod 0440 /etc/sudoers.d/alice.old /etc/sudo.d/all
chmod 0755 /etc/sudoers.d /etc/sudo.d

# What the file says will be so after the next boot.
set_sysctl kernel.randomize_va_space 2
echo 0 > /proc/sys/kernel/randomize_va_space
set_sysctl fs.protected_symlinks 0
echo 1 > /proc/sys/fs/protected_symlinks

# These protect as well as the values that are asked for most.
set_sysctl kernel.kptr_restrict 1
set_sysctl kernel.perf_event_paranoid 2
set_sysctl net.core.bpf_jit_harden 1
set_sysctl net.ipv4.conf.all.rp_filter 2

# fstab, too. And what is mounted last hides what was there.
echo 'tmpfs /dev/shm tmpfs nodev,nosuid,noexec 0 0' >> /etc/fstab
mount -o remount,dev,suid,exec /dev/shm
separate /home nodev,nosuid
mount -t tmpfs -o dev,suid home /home

# Rules that filter nothing that comes in.
nft -f - <<END
table inet nothing {
	chain one { counter; counter; }
	chain two { type filter hook output priority 0; counter; counter; counter; }
}
END

# One process with several sockets for one port.
ip addr add 2001:db8::12:3456/128 dev lo nodad
cat > /etc/systemd/system/many.socket <<END
[Socket]
ListenStream=127.0.0.1:7000
ListenStream=[::1]:7000
ListenStream=[2001:db8::12:3456]:7000
ListenDatagram=127.0.0.1:7000
ListenDatagram=[::]:7001
END
printf '[Service]\nExecStart=/usr/bin/true\n' > /etc/systemd/system/many.service
systemctl start many.socket

# Units of all kinds.
unit() { printf '%b' "$2" > "/etc/systemd/system/$1"; }
install='[Install]\nWantedBy=multi-user.target\nAlias=another.service\n'
unit ends.service "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/true\n$install"
unit fails.service '[Service]\nExecStart=/usr/bin/false\n'
unit runs@.service '[Service]\nExecStart=/usr/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n'
unit also.service '[Service]\nExecStart=/usr/bin/true\n[Install]\nAlso=cron.service\n'
unit empty.service ''
ln -s /nowhere/gone.service /etc/systemd/system/gone.service
mkdir -p /etc/systemd/system/ssh.service.d /etc/systemd/system/runs@two.service.d
unit ssh.service.d/more.conf '[Install]\nAlias=shell.service\n'
printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: old\n# Default-Start: 3 5\n# Default-Stop:\n### END INIT INFO\n' > /etc/init.d/old
chmod +x /etc/init.d/old
systemctl daemon-reload
systemctl enable --now ends runs@one
systemctl enable --runtime runs@two
systemctl mask rsync.service e2scrub_reap.service
systemctl mask --runtime apparmor.service
systemctl start fails runs@two
systemd-run --unit=short /usr/bin/sleep 1000
systemctl restart ssh
