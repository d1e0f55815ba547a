#!/bin/bash
# Takes a program out of the Debian package of the same name, without installing that.
#   unpack.sh prometheus directory
set -euo pipefail
name=$1 into=$(realpath "$2") work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { (cd "$work" && apt-get download -qq "$name" 2> /dev/null); }
download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; } ||
	{ echo "cannot fetch Debian's package $name: install $name, so that the command $name is there" >&2; exit 1; }
dpkg -x "$work"/*.deb "$work/root"
install "$work/root/usr/bin/$name" "$into/$name"
