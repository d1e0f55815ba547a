//go:build linux

package sensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// oldCalls are those that younger architectures do not have.
var oldCalls = []fileCase{
	{name: "open", want: secret, do: func(_ string, n int) {
		for range n {
			hangUp(oldCall(unix.SYS_OPEN, shadow, unix.O_RDONLY))
		}
	}},
	{name: "open of 32-bit programs", want: secret, do: func(_ string, n int) {
		for range n {
			fd := open32(shadow)
			if fd < 0 {
				must("open by int 0x80", unix.Errno(-fd))
			}
			hangUp(fd)
		}
	}, blind: map[string]string{bpfProgOpenExit: "sees no 32-bit calls"}},
	{name: "creat", want: tampered, do: func(dir string, n int) {
		for range n {
			hangUp(oldCall(unix.SYS_CREAT, dir+"/secret", 0o600))
		}
	}},
}

func oldCall(nr uintptr, path string, arg int) int {
	p, err := unix.BytePtrFromString(path)
	must("name a file", err)
	fd, _, e := unix.Syscall(nr, uintptr(unsafe.Pointer(p)), uintptr(arg), 0)
	if e != 0 {
		must("open", e)
	}
	return int(fd)
}
