#!/bin/bash
# What a Debian tree runs once it has started: it is changed as its name says, and looked at.
#   boot.sh tree:test
set -euo pipefail
cd "$(dirname "$0")"
exec > log 2>&1
tree=${1%:*} test=${1#*:}
trap 'systemctl poweroff' EXIT

# Lynis waits where no network device has an address, and oscap wants one.
ip link add name eth0 type veth peer name other

# Parameters of the kernel are files of ours from here on: others share the kernel, and it may lack some.
# They begin as Debian's kernel has them, and as its packages set them.
for dir in kernel fs net; do
	mkdir -p "/run/sysctl/$dir"
	cp --recursive "/proc/sys/$dir/." "/run/sysctl/$dir" 2> /dev/null || true
	mount --bind "/run/sysctl/$dir" "/proc/sys/$dir"
done
while read -r name value; do
	file=/proc/sys/${name//./\/}
	mkdir -p "${file%/*}"
	echo "$value" > "$file"
done < sysctls
/lib/systemd/systemd-sysctl

# What changes the trees consists of these and commands.
set_sysctl() {
	echo "$2" > "/proc/sys/${1//./\/}"
	echo "$1 = $2" >> /etc/sysctl.conf
}

set_login_def() { sed -i "/^#\?$1\b/d" /etc/login.defs; echo "$1 $2" >> /etc/login.defs; }

separate() {
	local new=/run/separate${1//\//-}
	mkdir -p "$1" "$new"
	mount -t tmpfs -o "$2" separate "$new"
	cp --archive "$1/." "$new"
	mount --bind "$new" "$1"
	mount -o "remount,bind,$2" "$1"
}

# Only names of services count here: each does nothing.
serve() {
	cp /usr/bin/sleep "/usr/local/sbin/$2"
	printf '[Service]\nExecStart=/usr/local/sbin/%s 1000\n[Install]\nWantedBy=multi-user.target\n' "$2" > "/etc/systemd/system/$1.service"
	systemctl enable --now "$1"
}

[ ! -e "$tree.sh" ] || . "./$tree.sh"
INSIDE=$test ./check.test -test.run "^$test\$" -test.v
[ ! -e out/tailoring.xml ] || ./scan.sh
touch done
