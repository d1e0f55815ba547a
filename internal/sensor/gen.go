package sensor

//go:generate go tool bpf2go -target amd64,arm64 -tags linux -no-global-types -type counts -type dir_kind -type inode_key -type name -type name_filter -type path_key -type process -type watch bpf ../../bpf/sensor.bpf.c -- -I../../bpf -mcpu=v3 -Wall -Wextra -Wpadded -Werror -Wno-unused-parameter
