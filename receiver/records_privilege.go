package receiver

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

// privilege writes a change of credentials. The ids of the process are the new ones.
func (w *writer) privilege(e *event.Event, p *process.Process) said {
	c := &e.Privilege
	family := name(c.Family, event.Escalations)
	w.changeSentence(e, p, family)
	w.ids(e, p)
	added, removed := c.New.Permitted&^c.Old.Permitted|c.New.Effective&^c.Old.Effective,
		c.Old.Permitted&^c.New.Permitted|c.Old.Effective&^c.New.Effective
	w.a.list("ebpfsecurity.capabilities.added", w.capabilities(added))
	w.a.list("ebpfsecurity.capabilities.removed", w.capabilities(removed))
	w.a.str("ebpfsecurity.privilege.family", family)
	if c.Gained || denied(e) {
		return said{"ebpfsecurity.privilege.change", plog.SeverityNumberWarn}
	}
	return said{"ebpfsecurity.privilege.change", plog.SeverityNumberInfo}
}

func (w *writer) changeSentence(e *event.Event, p *process.Process, family string) {
	c := &e.Privilege
	switch {
	case e.Errno != 0:
		w.userName("", c.Old.EUID)
		w.did(e, "", "change rights with").is(family)
	case c.New.EUID != c.Old.EUID:
		w.userName("", c.Old.EUID).is(" became ")
		w.userName("", c.New.EUID).is(" with ", family)
	case c.Gained:
		w.userName("", c.New.EUID).is(" gained rights with ", family)
	default:
		w.userName("", c.New.EUID).is(" changed rights with ", family)
	}
	w.because(e)
	w.by(e, p)
}

// ids writes the users, and the groups if one changed.
func (w *writer) ids(e *event.Event, p *process.Process) {
	a, before, now := &w.a, &e.Privilege.Old, &e.Privilege.New
	a.num("process.user.id", int64(now.EUID))
	a.num("process.real_user.id", int64(now.UID))
	a.num("process.saved_user.id", int64(now.SUID))
	if now.EUID == e.Actor.EUID {
		a.str("process.user.name", p.User)
	}
	if now.UID == e.Actor.UID {
		a.str("process.real_user.name", p.RealUser)
	}
	a.num("ebpfsecurity.previous.user.id", int64(before.EUID))
	a.num("ebpfsecurity.previous.real_user.id", int64(before.UID))
	a.num("ebpfsecurity.previous.saved_user.id", int64(before.SUID))
	if before.GID == now.GID && before.EGID == now.EGID && before.SGID == now.SGID {
		return
	}
	a.num("ebpfsecurity.process.group.id", int64(now.EGID))
	a.num("ebpfsecurity.process.real_group.id", int64(now.GID))
	a.num("ebpfsecurity.process.saved_group.id", int64(now.SGID))
	a.num("ebpfsecurity.previous.group.id", int64(before.EGID))
	a.num("ebpfsecurity.previous.real_group.id", int64(before.GID))
	a.num("ebpfsecurity.previous.saved_group.id", int64(before.SGID))
}

// capabilities are those of a set, by name.
func (w *writer) capabilities(set uint64) []string {
	w.args = w.args[:0]
	for bit := 0; set != 0; bit, set = bit+1, set>>1 {
		if set&1 != 0 {
			w.args = append(w.args, indexed(capabilities, uint32(bit), "CAP_"))
		}
	}
	return w.args
}
