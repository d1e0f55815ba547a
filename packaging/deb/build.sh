#!/bin/bash
# Makes the Debian package of a binary: build.sh BINARY ARCHITECTURE FILE.deb
# The same sources make the same file: all times are that of the last commit.
set -euo pipefail
binary=$(realpath "$1") arch=$2 deb=$(realpath -m "$3")
cd "$(dirname "$0")/../.."
name=otelcol-ebpfsecurity
version=$(sed -n 's/^  version: //p' builder-config.yaml)
version=${version/-/\~} # 0.1.0~dev comes before 0.1.0
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)
export SOURCE_DATE_EPOCH
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022

put() { install -D -m "$1" "$2" "$root/$3"; } # put MODE FILE PATH
doc=usr/share/doc/$name
put 755 "$binary" usr/bin/$name
put 644 examples/deploy/config.yaml etc/$name/config.yaml
put 644 examples/deploy/systemd/$name.service lib/systemd/system/$name.service
put 644 packaging/deb/overrides usr/share/lintian/overrides/$name
for f in README.md docs/*.md; do put 644 "$f" "$doc/${f##*/}"; done
for f in $(git ls-files examples 2> /dev/null || find examples -type f); do
	put "$([ -x "$f" ] && echo 755 || echo 644)" "$f" "$doc/$f"
done

mkdir -p "$root/DEBIAN" "$root/usr/share/man/man1"
sed "s/@version@/$version/" packaging/deb/$name.1 | gzip -9n > "$root/usr/share/man/man1/$name.1.gz"
{
	echo "$name ($version) unstable; urgency=medium"
	echo
	awk '/^- / { if (item) print item; item = substr($0, 3); next } /^  / { item = item " " substr($0, 3) } END { print item }' CHANGELOG.md |
		while read -r item; do fold -sw 74 <<< "$item" | sed 's/ *$//; 1s/^/  * /; 2,$s/^/    /'; done
	echo
	echo " -- ebpfsecurity maintainers <maintainers@ebpfsecurity.example>  $(date -uR -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n > "$root/$doc/changelog.gz"
awk 'NR == FNR { mit = mit (NR > 1 ? "\n" : "") " " ($0 == "" ? "." : $0); next } $0 == "@mit@" { print mit; next } 1' \
	LICENSES/MIT.txt packaging/deb/copyright > "$root/$doc/copyright"

size=$(du -k -s --apparent-size "$root" | cut -f1)
sed "s/@version@/$version/; s/@arch@/$arch/; s/@size@/$size/" packaging/deb/control > "$root/DEBIAN/control"
echo "/etc/$name/config.yaml" > "$root/DEBIAN/conffiles"
for f in postinst prerm postrm; do install -m 755 packaging/deb/$f "$root/DEBIAN/$f"; done
(cd "$root" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$(dirname "$deb")"
# gzip, as it takes a tenth of the time of xz, and the dpkg of Debian 11 knows no zstd.
dpkg-deb --root-owner-group -Zgzip -z6 --build "$root" "$deb" > /dev/null
echo "built ${deb#"$PWD"/}: $(du -h "$deb" | cut -f1)"
