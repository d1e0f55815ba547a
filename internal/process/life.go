package process

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// An identity is a process between two of its execs.
type identity struct {
	start      uint64 // ns since boot
	pid, execs uint32
}

// execID is the identity in 32 hex digits.
func (i identity) execID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], i.start)
	binary.BigEndian.PutUint32(raw[8:], i.pid)
	binary.BigEndian.PutUint32(raw[12:], i.execs)
	var digits [32]byte
	hex.Encode(digits[:], raw[:])
	return string(digits[:])
}

// known is whether the kernel told which process it is: none but the idle one
// starts with the boot.
func (i identity) known() bool { return i.pid != 0 && i.start != 0 }

// A subject is a process, and what there is to know it by.
type subject struct {
	image     uint64
	who       identity
	parent    uint64 // image
	parentWho identity
	forked    bool // and has not executed anything since
	typ       event.ProcessType
	comm      string // of its first thread; empty if unknown
}

func subjectOf(a *event.Actor) subject {
	s := subject{
		image: a.Image, who: identityOf(a),
		parent: a.ParentImage, parentWho: parentOf(a),
		typ: a.Type,
	}
	s.forked = s.parentWho.known() && s.parentWho.execs == s.who.execs
	if a.TID == a.PID {
		s.comm = commOf(a.Comm[:])
	}
	return s
}

// parentSubject takes the parent for forked: whether it executed its image itself is not told.
func parentSubject(a *event.Actor) subject {
	return subject{image: a.ParentImage, who: parentOf(a), typ: event.User, forked: true}
}

func identityOf(a *event.Actor) identity { return identity{a.Start, a.PID, a.Execs} }

func parentOf(a *event.Actor) identity {
	return identity{a.ParentStart, a.ParentPID, a.ParentExecs}
}

// lifeKey names a process for ever.
type lifeKey struct {
	start uint64
	pid   uint32
}

// A life is what is known of a process since its last exec.
type life struct {
	execs  uint32
	execID string // empty until it is asked for
	image  uint64
	asked  time.Time // when /proc knew nothing of it
}

// lives holds the processes seen last.
type lives struct {
	lru   *simplelru.LRU[lifeKey, *life]
	stats *counters
}

func newLives(n int, stats *counters) *lives {
	return &lives{lru: newLRU[lifeKey, *life](n, nil), stats: stats}
}

// at returns nil if the process has executed something else since.
func (l *lives) at(who identity) *life {
	key := lifeKey{who.start, who.pid}
	v, ok := l.lru.Get(key)
	switch {
	case !ok:
		v = &life{execs: who.execs}
		if l.lru.Add(key, v) {
			l.stats.lifeEvictions.Add(1)
		}
		l.stats.lives.Store(uint64(l.lru.Len()))
	case who.execs < v.execs:
		return nil
	case who.execs > v.execs:
		*v = life{execs: who.execs}
	}
	return v
}

// imageOf returns the image of a process, 0 if it is not known.
func (l *lives) imageOf(who identity) uint64 {
	if !who.known() {
		return 0
	}
	if v, ok := l.lru.Get(lifeKey{who.start, who.pid}); ok && v.execs == who.execs {
		return v.image
	}
	return 0
}
