#!/bin/bash
# The first process of a scratch copy of this machine, in namespaces of its own: scratch.sh DIRECTORY CGROUP
# DIRECTORY/root is this machine's root with a layer over it that takes all that is written, in memory.
# systemd runs in it, and of its units nothing but what a test starts.
set -euo pipefail
dir=$1 cgroup=$2
echo 0 > "$cgroup/cgroup.procs"

inside() {
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 scratch "$dir"
	mkdir "$dir"/{layer,work,root}
	mount -t overlay -o "lowerdir=/,upperdir=$dir/layer,workdir=$dir/work" scratch "$dir/root"
	cd "$dir/root"
	mount -t proc proc proc
	mount --bind proc/sys proc/sys
	mount -o remount,ro,bind proc/sys
	mount --rbind /sys sys
	umount -R sys/fs/cgroup
	mount -t cgroup2 cgroup sys/fs/cgroup
	mount --rbind /dev dev
	mount -t tmpfs -o mode=755 run run
	ip link set lo up
	hostname scratch

	# No unit of this machine may touch it: they set kernel parameters, load modules, mount.
	rm -rf {etc,usr/lib}/systemd/system/*.wants usr/sbin/policy-rc.d
	mkdir -p etc/systemd/system/multi-user.target.wants
	printf '[Unit]\nDefaultDependencies=no\n' > etc/systemd/system/e2e.target
	pivot_root . mnt
	umount -l mnt
	exec env -i container=e2e PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
		--unit=e2e.target --log-target=console --log-level=warning --show-status=0
}
export -f inside
export dir
exec unshare --cgroup bash -euc inside
