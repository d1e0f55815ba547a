//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// idle is how long a record may wait for others, and how often Tick is called at least.
const idle = 100 * time.Millisecond

// rings are those of all priorities, read as one by the time of the records.
type rings struct {
	all   [Priorities]*ringBuffer
	epoll int
	stop  int // an eventfd
}

func newRings(c *ebpf.Collection) (*rings, error) {
	r := &rings{epoll: -1, stop: -1}
	var err error
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("wait for records: %w", err)
	}
	if r.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		r.close()
		return nil, fmt.Errorf("wait for records: %w", err)
	}
	fds := []int{r.stop}
	for p, name := range [Priorities]string{bpfMapRingHigh, bpfMapRingNormal, bpfMapRingLow} {
		if r.all[p], err = newRingBuffer(c.Maps[name]); err != nil {
			r.close()
			return nil, err
		}
		fds = append(fds, c.Maps[name].FD())
	}
	for _, fd := range fds {
		// Edge-triggered, as a ring with records in it would wake at once.
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			r.close()
			return nil, fmt.Errorf("wait for records: %w", err)
		}
	}
	return r, nil
}

func (r *rings) close() {
	for _, ring := range r.all {
		if ring != nil {
			ring.close()
		}
	}
	for _, fd := range []int{r.epoll, r.stop} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// wait returns when a ring is filled to its mark, when there is one of high
// priority, or after some time, at once if more records are known to be there.
// It tells whether this is to be the last time.
func (r *rings) wait(more bool) (last bool, err error) {
	var ready [Priorities + 1]unix.EpollEvent
	timeout := int(idle.Milliseconds())
	if more {
		timeout = 0
	}
	n, err := unix.EpollWait(r.epoll, ready[:], timeout)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return true, fmt.Errorf("wait for records: %w", err)
	}
	for _, ev := range ready[:max(n, 0)] {
		last = last || int(ev.Fd) == r.stop
	}
	return last, nil
}

// oldest returns the ring with the oldest record of those from before until, nil if there is none.
//
// Whoever does something was reported to begin before it did it, maybe in
// another ring. All records from before until were there when this looked.
func (r *rings) oldest(until uint64) (from *ringBuffer, record []byte) {
	at := until
	for _, ring := range r.all {
		if raw := ring.peek(); raw != nil && timeOf(raw) < at {
			from, record, at = ring, raw, timeOf(raw)
		}
	}
	return from, record
}

// Reports returns nil if there are records to read, else why not.
func (s *Sensor) Reports() error {
	if s.rings == nil {
		return s.noRecords
	}
	return nil
}

// Read gives h every record until Stop is called, then those that are left, and
// returns. Records that cannot be decoded are counted, not given.
func (s *Sensor) Read(h Handler) error {
	if s.rings == nil {
		return s.noRecords
	}
	d := &decoder{}
	for more := false; ; {
		last, err := s.rings.wait(more)
		more = s.readSome(d, h, d.clock.set())
		h.Tick(time.Now())
		if last || err != nil {
			for end := d.clock.set(); s.readSome(d, h, end); {
				h.Tick(time.Now())
			}
			return err
		}
	}
}

// most is how many records are read between two looks at the clock.
const most = 4096

// readSome reads records from before until, and tells whether there may be more of them.
func (s *Sensor) readSome(d *decoder, h Handler, until uint64) (more bool) {
	for range most {
		ring, raw := s.rings.oldest(until)
		if ring == nil {
			return false
		}
		if err := d.give(raw, h); err != nil {
			s.undecoded.Add(1)
		}
		ring.next(len(raw))
	}
	return true
}

func (d *decoder) give(raw []byte, h Handler) error {
	class, err := classOf(raw)
	if err != nil {
		return err
	}
	if class == classCgroup {
		if err := d.decodeCgroup(raw); err != nil {
			return err
		}
		h.Cgroup(d.cgroup)
		return nil
	}
	if err := d.decode(class, raw); err != nil {
		return err
	}
	h.Event(&d.event)
	return nil
}

// Stop makes Read return. It may be called at any time, and more than once.
func (s *Sensor) Stop() {
	if s.rings != nil {
		_, _ = unix.Write(s.rings.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Undecoded is how many records made no sense. Safe for concurrent use.
func (s *Sensor) Undecoded() uint64 { return s.undecoded.Load() }

// Ledger is what became of events in the kernel. Safe for concurrent use.
func (s *Sensor) Ledger() (event.Ledger, error) {
	if s.maps == nil {
		return event.Ledger{}, nil
	}
	s.ledgerLock.Lock()
	defer s.ledgerLock.Unlock()
	if s.ledgerCPUs == nil {
		s.ledgerCPUs = make([]bpfCounts, ebpf.MustPossibleCPU())
	}
	if err := s.maps.Maps[bpfMapCounters].Lookup(uint32(0), &s.ledgerCPUs); err != nil {
		return event.Ledger{}, fmt.Errorf("read counters: %w", err)
	}
	total := sum(s.ledgerCPUs)
	return ledger(&total.Ledger), nil
}

func ledger(l *bpfLedger) (out event.Ledger) {
	for c := range event.KernelClasses {
		out[c][event.Observed] = l.Observed[c]
		out[c][event.Filtered] = l.Filtered[c]
		out[c][event.Sampled] = l.Sampled[c]
		out[c][event.LostRing] = l.Lost[c]
	}
	return out
}

// SetSampleRate lets the kernel report one event of a class in so many. Those of high priority all are.
func (s *Sensor) SetSampleRate(class event.Class, rate uint32) error {
	if s.rings == nil {
		return s.noRecords
	}
	s.rates[class] = rate
	if err := s.maps.Variables[bpfVarSampleRate].Set(s.rates); err != nil {
		return fmt.Errorf("set the sample rate of %s: %w", class, err)
	}
	return nil
}

// Processes calls do for every process that the kernel knows.
func (s *Sensor) Processes(do func(*event.Actor)) error {
	if s.maps == nil {
		return nil
	}
	var tgid uint32
	var p bpfProcess
	all := s.maps.Maps[bpfMapProcesses].Iterate()
	for all.Next(&tgid, &p) {
		do(&event.Actor{
			PID: tgid, TID: tgid, VPID: tgid, Start: p.Start, Image: p.Image,
			ParentPID: p.ParentTgid, ParentStart: p.ParentStart, ParentExecs: p.ParentExecs, ParentImage: p.ParentImage,
			Type: min(event.ProcessType(p.Type), event.Suspicious),
		})
	}
	if err := all.Err(); err != nil {
		return fmt.Errorf("list the processes: %w", err)
	}
	return nil
}
