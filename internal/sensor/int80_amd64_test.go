//go:build linux

package sensor

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// open32 opens path for reading by the system call of 32-bit programs, int 0x80,
// which 64-bit programs may use too. What it calls is written to memory below
// 4 GiB, where 32-bit calls can find the path.
func open32(path string) int {
	const map32Bit = 0x40
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON|map32Bit)
	must("map memory below 4 GiB", err)
	defer func() { must("unmap", unix.Munmap(page)) }()
	const result, text = 2048, 2056
	copy(page[text:], path)
	at := uint32(uintptr(unsafe.Pointer(&page[0])))
	code := []byte{0x53, 0xb8, 5, 0, 0, 0, 0xbb}                                    // push rbx; mov eax, open; mov ebx,
	code = binary.LittleEndian.AppendUint32(code, at+text)                          // path
	code = append(code, 0x31, 0xc9, 0x31, 0xd2, 0xcd, 0x80, 0x5b, 0x89, 0x04, 0x25) // xor ecx, ecx; xor edx, edx; int 0x80; pop rbx; mov
	code = binary.LittleEndian.AppendUint32(code, at+result)                        // [result], eax
	copy(page, append(code, 0xc3))                                                  // ret
	entry := &page[0]
	call := unsafe.Pointer(&entry)
	(*(*func())(unsafe.Pointer(&call)))()
	return int(int32(binary.LittleEndian.Uint32(page[result:])))
}
