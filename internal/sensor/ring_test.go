//go:build linux && (amd64 || arm64)

package sensor

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring is an io_uring for one call at a time; see io_uring(7).
type ring struct {
	fd             int
	submissions    []byte
	submitted      *uint32
	place          *uint32
	head           *uint32
	completionMask *uint32
	completions    unsafe.Pointer
}

// ringParams is struct io_uring_params.
type ringParams struct {
	submissions, completions uint32

	_  [8]uint32
	sq struct{ head, tail, mask, entries, flags, dropped, array, _, _, _ uint32 }
	cq struct{ head, tail, mask, entries, overflow, cqes, flags, _, _, _ uint32 }
}

// ringEntry is struct io_uring_sqe, as IORING_OP_OPENAT reads it; others find their
// arguments in the same places, see io_uring_enter(2).
type ringEntry struct {
	opcode, flags uint8
	_             uint16
	fd            int32
	off           uint64
	path          uint64
	mode, open    uint32
	_             [4]uint64
}

// IORING_OP_*.
const (
	opAccept  = 13
	opConnect = 16
	opOpenAt  = 18
)

func newRing() *ring {
	var p ringParams
	fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&p)), 0)
	if e == unix.ENOSYS || e == unix.EPERM {
		panic(lack("no io_uring"))
	}
	if e != 0 {
		must("make an io_uring", e)
	}
	r := &ring{fd: int(fd)}
	both := r.mapped(0, int(max(p.sq.array+4*p.submissions, p.cq.cqes+16*p.completions)))
	r.submissions = r.mapped(0x10000000, int(unsafe.Sizeof(ringEntry{}))*int(p.submissions))
	at := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&both[offset])) }
	r.submitted, r.place = at(p.sq.tail), at(p.sq.array)
	r.head, r.completionMask = at(p.cq.head), at(p.cq.mask)
	r.completions = unsafe.Pointer(at(p.cq.cqes))
	return r
}

func (r *ring) mapped(offset int64, size int) []byte {
	m, err := unix.Mmap(r.fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	must("map an io_uring", err)
	return m
}

// openAt opens a file for reading.
func (r *ring) openAt(path string) int {
	name, err := unix.BytePtrFromString(path)
	must("name a file", err)
	return r.do("open", ringEntry{
		opcode: opOpenAt, fd: unix.AT_FDCWD, path: uint64(uintptr(unsafe.Pointer(name))), open: unix.O_RDONLY | unix.O_CLOEXEC,
	})
}

// connect connects a socket, given its raw address.
func (r *ring) connect(fd int, to []byte) {
	r.do("connect", ringEntry{
		opcode: opConnect, fd: int32(fd), path: uint64(uintptr(unsafe.Pointer(&to[0]))), off: uint64(len(to)),
	})
}

func (r *ring) accept(fd int) int {
	return r.do("accept", ringEntry{opcode: opAccept, fd: int32(fd), open: unix.O_CLOEXEC})
}

// do submits one call and returns its result.
func (r *ring) do(what string, call ringEntry) int {
	*(*ringEntry)(unsafe.Pointer(&r.submissions[0])) = call
	*r.place = 0
	atomic.AddUint32(r.submitted, 1)
	const submitAndGetOne = 1 // IORING_ENTER_GETEVENTS
	_, _, e := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), 1, 1, submitAndGetOne, 0, 0)
	if e != 0 {
		must("enter an io_uring", e)
	}
	done := (*struct {
		_      uint64
		result int32
		_      uint32
	})(unsafe.Add(r.completions, 16*uintptr(*r.head&*r.completionMask)))
	result := done.result
	atomic.AddUint32(r.head, 1)
	if result < 0 {
		must(what+" by io_uring", unix.Errno(-result))
	}
	return int(result)
}
