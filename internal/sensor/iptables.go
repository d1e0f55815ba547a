//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Iptables asks for the filter table of iptables as it was before nf_tables. It
// is here because the kernel answers into memory of ours.
type Iptables struct{}

// The kernel's include/uapi/linux/netfilter_ipv4/ip_tables.h, and the same for
// IPv6.
const (
	soGetInfo      = 64
	soGetEntries   = 65
	inputHook      = 1
	maxTable       = 64 << 20
	sizeofTarget   = 32 // before the verdict
	verdictAccepts = -2 // -NF_ACCEPT - 1
)

// A tableInfo is struct ipt_getinfo, which is that of IPv6 too.
type tableInfo struct {
	Name       [32]byte
	ValidHooks uint32
	HookEntry  [5]uint32
	Underflow  [5]uint32
	NumEntries uint32
	Size       uint32
}

// FiltersInput says whether the chain INPUT of "ip" or "ip6" has a rule, or a
// policy that is not to accept.
func (Iptables) FiltersInput(family string) (bool, error) {
	domain, level, offsets := unix.AF_INET, unix.IPPROTO_IP, 88
	if family == "ip6" {
		domain, level, offsets = unix.AF_INET6, unix.IPPROTO_IPV6, 140
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	info := tableInfo{Name: [32]byte{'f', 'i', 'l', 't', 'e', 'r'}}
	size := uint32(unsafe.Sizeof(info))
	if err := getsockopt(fd, level, soGetInfo, unsafe.Pointer(&info), &size); err != nil {
		return false, err
	}
	if info.HookEntry[inputHook] != info.Underflow[inputHook] {
		return true, nil // there are rules before the policy
	}
	if info.Size > maxTable {
		return false, fmt.Errorf("a table of %d bytes", info.Size)
	}
	// struct ipt_get_entries: the name, the size, padding, and the entries.
	const header = 40
	b := make([]byte, header+info.Size)
	copy(b, info.Name[:])
	binary.NativeEndian.PutUint32(b[32:], info.Size)
	size = uint32(len(b))
	if err := getsockopt(fd, level, soGetEntries, unsafe.Pointer(&b[0]), &size); err != nil {
		return false, err
	}
	return isNotAccept(b[header:], int(info.Underflow[inputHook]), offsets)
}

// isNotAccept looks at the entry that is the policy.
func isNotAccept(entries []byte, at, offsets int) (bool, error) {
	if at+offsets+2 > len(entries) {
		return false, unix.EBADMSG
	}
	target := at + int(binary.NativeEndian.Uint16(entries[at+offsets:]))
	if target+sizeofTarget+4 > len(entries) || entries[target+2] != 0 { // of the standard target the name is empty
		return false, unix.EBADMSG
	}
	return int32(binary.NativeEndian.Uint32(entries[target+sizeofTarget:])) != verdictAccepts, nil
}

func getsockopt(fd, level, option int, value unsafe.Pointer, size *uint32) error {
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(value), uintptr(unsafe.Pointer(size)), 0)
	if errno != 0 {
		return os.NewSyscallError("getsockopt", errno)
	}
	return nil
}
