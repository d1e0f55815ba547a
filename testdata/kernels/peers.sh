#!/usr/bin/env bash
# Make the root directory of a system with what others run for the same, out of
# Debian's packages and without installing any: peers.sh DIRECTORY
set -euo pipefail
into=$(realpath -m "$1")
[ ! -e "$into/packages" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# What they need to run; not what their installation scripts need. bpftrace needs a shell, on which nothing depends.
packages=$(apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} auditd bpftrace libbpf-tools dash |
	grep '^[a-z]' | sort -u | grep -Ev '^(dpkg|perl|libperl|gawk|mawk|usr|libfile|libnumber|libtext|init-|install-info)')
# shellcheck disable=SC2086
(cd "$work" && apt-get download -qq $packages 2> errors) || { cat "$work/errors" >&2; exit 1; }
rm -rf "$into" && mkdir -p "$into"/{proc,sys,dev,tmp,run,etc,var/log/audit}
for dir in bin sbin lib lib64; do
	mkdir -p "$into/usr/$dir" && ln -s "usr/$dir" "$into/$dir"
done
for package in "$work"/*.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$into"
done
ln -sfn dash "$into/bin/sh"
# auditd ends if the group is not there that may read its file.
echo "root:x:0:0:root:/root:/bin/sh" > "$into/etc/passwd"
printf '%s\n' root:x:0: adm:x:4: > "$into/etc/group"
rm -rf "$into"/usr/share/{doc,man,locale,info}
echo "$packages" > "$into/packages"
