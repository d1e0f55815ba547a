package process

import (
	"slices"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A Process is who did something, at the time that it did it.
type Process struct {
	// ExecID names what runs in a process for ever: 16 hex digits of its start,
	// 8 of its number, 8 of its execs. ParentExecID is of the one that forked it,
	// as it was then; empty if unknown.
	ExecID, ParentExecID string
	Image                *Image   // nil if unknown
	Parent               *Image   // when it forked; nil if unknown
	Ancestors            []*Image // from Parent up, at most Options.Ancestors

	// User and Group are effective. A name is empty if there is none, and in
	// containers, which have names of their own for the same numbers.
	User, RealUser, Group, RealGroup string

	Cgroup      string // path in its hierarchy; empty if unknown
	ContainerID string // 64 hex digits; empty on the host
	PodUID      string // as Kubernetes shows it; empty outside of pods
	Created     time.Time
	CWD         string // working directory; empty if not known to be still that
}

// Describe tells what is known of a process. It is never nil, and valid until
// the next call.
func (t *Table) Describe(a *event.Actor) *Process {
	now := time.Now()
	p := &t.described
	*p = Process{Ancestors: p.Ancestors[:0], Created: t.clock.at(a.Start, now)}

	if p.Image = t.images.get(a.Image); p.Image == nil {
		p.Image = t.find(subjectOf(a), now)
	}
	if p.Parent = t.images.get(a.ParentImage); p.Parent == nil {
		p.Parent = t.find(parentSubject(a), now)
	}
	p.ExecID = t.execID(identityOf(a), p.Image)
	p.ParentExecID = t.execID(parentOf(a), p.Parent)
	t.addAncestors(p)
	if p.Image != nil && a.CWD != 0 && a.CWD == p.Image.cwd {
		p.CWD = p.Image.CWD
	}
	if c := t.cgroups.find(a, now); c != nil {
		p.Cgroup, p.ContainerID, p.PodUID = c.path, c.container, c.pod
	}
	if p.ContainerID == "" && a.Type != event.Container {
		t.addNames(p, a)
	}
	return p
}

// find returns the image of a process when its name is not known.
func (t *Table) find(s subject, now time.Time) *Image {
	if !s.who.known() {
		return nil
	}
	l := t.lives.at(s.who)
	if l == nil {
		return nil // /proc has what it executed since
	}
	if s.image == 0 {
		if img := t.images.get(l.image); img != nil {
			return img
		}
	}
	if now.Sub(l.asked) < askAgain {
		return nil
	}
	if !t.proc.allows(now) {
		t.stats.lookupsRefused.Add(1)
		return nil
	}
	img := t.ask(s)
	if img == nil {
		l.asked = now
		return nil
	}
	t.remember(img, s)
	return img
}

// askAgain is how long a process is unknown to /proc.
const askAgain = 5 * time.Second

// ask returns what /proc says of a process, nil if it is not there.
func (t *Table) ask(s subject) *Image {
	t.stats.lookups.Add(1)
	img := t.proc.image(s)
	if img == nil {
		t.stats.lookupsFailed.Add(1)
	}
	return img
}

func (t *Table) execID(who identity, img *Image) string {
	switch {
	case !who.known():
		return ""
	case img != nil && img.who == who:
		return img.ExecID
	}
	l := t.lives.at(who)
	if l == nil {
		return who.execID()
	}
	if l.execID == "" {
		l.execID = who.execID()
	}
	return l.execID
}

// addAncestors follows who forked whom, until it is unknown or comes round.
func (t *Table) addAncestors(p *Process) {
	for img := p.Parent; img != nil && len(p.Ancestors) < t.options.Ancestors; img = t.parent(img) {
		if slices.Contains(p.Ancestors, img) {
			return
		}
		p.Ancestors = append(p.Ancestors, img)
	}
}

func (t *Table) parent(img *Image) *Image {
	if up := t.images.get(img.parent); up != nil {
		return up
	}
	return t.images.get(t.lives.imageOf(img.parentWho))
}

func (t *Table) addNames(p *Process, a *event.Actor) {
	n := t.users.names()
	p.User, p.RealUser = n.users[a.EUID], n.users[a.UID]
	p.Group, p.RealGroup = n.groups[a.EGID], n.groups[a.GID]
}
