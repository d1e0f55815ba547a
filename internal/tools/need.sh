#!/bin/bash
# Installs the Debian packages of commands and files that are missing, or says which ones are needed.
#   need.sh clang-19 bpftool llvm-strip-19=llvm-19 /usr/include/bpf/bpf_helpers.h=libbpf-dev
# Each word is a command or a file; after "=" its package, where that has another name.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

packages=()
for word; do
	thing=${word%%=*}
	command -v "$thing" > /dev/null || [ -f "$thing" ] || packages+=("${word#*=}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
	echo "Missing here: ${packages[*]} (names of Debian packages). Install them, as root:" >&2
	echo "  apt-get install ${packages[*]}" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() {
	apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
		"${packages[@]}" < /dev/null
}
echo "installing ${packages[*]}"
# The package lists may be missing or too old: both show as a failed installation.
install > /dev/null 2>&1 || { apt-get update -qq && install > /dev/null; }
