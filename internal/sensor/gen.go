package sensor

//go:generate go tool bpf2go -target amd64,arm64 -tags linux -no-global-types -type counts -type dir_kind -type inode_key -type name -type name_filter -type path_key -type process -type watch -type head -type exec_record -type exit_record -type file_record -type socket_record -type privilege_record -type module_record -type bpf_record -type ptrace_record -type namespace_record -type mount_record -type cgroup_record -type filter_kind -type filter_entry -type peer_key bpf ../../bpf/sensor.bpf.c -- -I../../bpf -mcpu=v3 -Wall -Wextra -Wpadded -Werror -Wno-unused-parameter
