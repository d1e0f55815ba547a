//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The header of a record in a ring (BPF_RINGBUF_* in linux/bpf.h): its length
// with two flags, then 4 bytes that are the kernel's own.
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHeader  = 8
)

// A ringBuffer is a BPF ring buffer (kernel commit 457f44363a88) mapped for reading in
// place. It is not ringbuf.Reader of the library, because that waits for one
// ring, copies each record, and does not tell what comes next.
type ringBuffer struct {
	consumer, produced []byte // mapped
	data               []byte // of produced
	wrapped            []byte // the last record that was in two pieces
	read, written      *uint64
	at                 uint64 // how far this side has read
	mask               uint64
}

func newRingBuffer(m *ebpf.Map) (*ringBuffer, error) {
	size := int(m.MaxEntries())
	page := os.Getpagesize()
	consumer, err := unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the ring's position: %w", err)
	}
	// The kernel offers the data twice, one after the other, so that a record at its end is
	// in one piece; but counts the second as memory too.
	produced, err := unix.Mmap(m.FD(), int64(page), page+size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(consumer)
		return nil, fmt.Errorf("map the ring: %w", err)
	}
	r := &ringBuffer{
		consumer: consumer,
		produced: produced,
		data:     produced[page:],
		read:     (*uint64)(unsafe.Pointer(&consumer[0])),
		written:  (*uint64)(unsafe.Pointer(&produced[0])),
		mask:     uint64(size) - 1,
	}
	r.at = atomic.LoadUint64(r.read)
	return r, nil
}

// peek returns the next record, nil if there is none yet. It is valid until next is called.
func (r *ringBuffer) peek() []byte {
	for r.at < atomic.LoadUint64(r.written) {
		start := r.at & r.mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[start])))
		size := uint64(header &^ (ringBusy | ringDiscard))
		switch {
		case header&ringBusy != 0:
			return nil
		case header&ringDiscard != 0 || size+ringHeader > r.mask+1:
			r.skip(size)
		default:
			return r.record((start+ringHeader)&r.mask, size)
		}
	}
	return nil
}

// record returns the record that begins here, in place unless it goes on where the data begins.
func (r *ringBuffer) record(start, size uint64) []byte {
	end := start + size
	if end <= r.mask+1 {
		return r.data[start:end:end]
	}
	r.wrapped = append(append(r.wrapped[:0], r.data[start:]...), r.data[:end&r.mask]...)
	return r.wrapped
}

// next gives the record of this size back to the kernel.
func (r *ringBuffer) next(size int) { r.skip(uint64(size)) }

func (r *ringBuffer) skip(size uint64) {
	r.at += (size + ringHeader + 7) &^ 7
	atomic.StoreUint64(r.read, r.at)
}

func (r *ringBuffer) close() {
	_ = unix.Munmap(r.consumer)
	_ = unix.Munmap(r.produced)
}
