#!/bin/bash
# Takes a program out of its Debian package, without installing that; the libraries that it needs are installed.
#   unpack.sh package directory [path, if not usr/bin/package]
set -euo pipefail
name=$1 into=$(realpath "$2") path=${3:-usr/bin/$1} work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { (cd "$work" && apt-get download -qq "$name" 2> /dev/null); }
download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; } ||
	{ echo "cannot fetch Debian's package $name: install $name, so that the command ${path##*/} is there" >&2; exit 1; }
dpkg -x "$work"/*.deb "$work/root"
lacks() { ldd "$work/root/$path" 2> /dev/null | grep -q 'not found'; }
if lacks; then
	mapfile -t libraries < <(dpkg-deb -f "$work"/*.deb Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ (|]*\).*/\1/p')
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${libraries[@]}" > /dev/null
	! lacks || { echo "${path##*/} lacks libraries: install ${libraries[*]}" >&2; exit 1; }
fi
install "$work/root/$path" "$into/${path##*/}"
