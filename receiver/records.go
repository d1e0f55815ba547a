package receiver

import (
	"bytes"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

// recordBytes is how large a record without attributes and body may be in OTLP.
const recordBytes = 128

// capacity is how many attributes a record of the class has at most.
func capacity(c event.Class) int {
	switch c {
	case event.Connect, event.Accept, event.Close, event.UDPSend:
		return 32
	case event.Privilege:
		return 36
	case event.Exec, event.FileOpen:
		return 28
	}
	return 26
}

// A writer writes events as log records. It is for one goroutine.
type writer struct {
	maxArgs int // bytes

	a    attributes
	body sentence
	args []string

	// created are times as text: writing one costs as much as five attributes.
	created map[time.Time]string
}

// A said is what the class of an event decides.
type said struct {
	name     string
	severity plog.SeverityNumber
}

// write fills the record and returns how large it may be in OTLP.
func (w *writer) write(r plog.LogRecord, e *event.Event, p *process.Process, now time.Time) int {
	w.a.begin(capacity(e.Class))
	w.body = w.body[:0]
	s := w.class(e, p)
	w.who(e, p)
	w.outcome(e)
	if p.ContainerID != "" {
		w.body.is(" in container ", p.ContainerID[:min(12, len(p.ContainerID))])
	}
	r.SetEventName(s.name)
	r.SetTimestamp(pcommon.Timestamp(e.Time))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	r.SetSeverityNumber(s.severity)
	r.SetSeverityText(severityText(s.severity))
	r.Body().SetStr(string(w.body))
	w.a.end(r)
	return recordBytes + len(s.name) + len(w.body) + w.a.bytes
}

// class writes what only records of the class have.
func (w *writer) class(e *event.Event, p *process.Process) said {
	switch e.Class {
	case event.Exec:
		return w.exec(e, p)
	case event.Exit:
		return w.exit(e, p)
	case event.FileOpen:
		return w.fileOpen(e, p)
	case event.Connect:
		return w.connect(e, p)
	case event.Accept:
		return w.accept(e, p)
	case event.Close:
		return w.closed(e, p)
	case event.UDPSend:
		return w.udpSend(e, p)
	case event.Privilege:
		return w.privilege(e, p)
	case event.Module:
		return w.module(e, p)
	case event.BPF:
		return w.bpf(e, p)
	case event.Ptrace:
		return w.ptrace(e, p)
	case event.Namespace:
		return w.namespace(e, p)
	default:
		return w.mount(e, p)
	}
}

// who writes the process that did it. A program that was run is its own doing:
// exec has written what it runs.
func (w *writer) who(e *event.Event, p *process.Process) {
	a, actor := &w.a, &e.Actor
	a.num("process.pid", int64(actor.PID))
	if actor.ParentPID != 0 {
		a.num("process.parent_pid", int64(actor.ParentPID))
	}
	if actor.VPID != 0 && actor.VPID != actor.PID {
		a.num("process.vpid", int64(actor.VPID))
	}
	a.num("thread.id", int64(actor.TID))
	a.str("thread.name", threadName(actor, p))
	if i := p.Image; i != nil && !ran(e) { // the table's images are valid UTF-8
		a.known("process.executable.path", i.Path)
		a.known("process.executable.name", i.Name)
		a.known("process.command_line", i.CommandLine)
		a.known("process.working_directory", p.CWD)
	}
	if e.Class != event.Privilege {
		a.num("process.user.id", int64(actor.EUID))
		a.num("process.real_user.id", int64(actor.UID))
		a.str("process.user.name", p.User)
		a.str("process.real_user.name", p.RealUser)
	}
	a.str("process.linux.cgroup", p.Cgroup)
	if !p.Created.IsZero() {
		a.known("process.creation.time", w.creation(p.Created))
	}
	a.known("ebpfsecurity.process.exec_id", p.ExecID)
	a.known("ebpfsecurity.process.parent.exec_id", p.ParentExecID)
	if p.Parent != nil {
		a.known("ebpfsecurity.process.parent.executable.path", p.Parent.Path)
	}
	w.args = w.args[:0]
	for _, above := range p.Ancestors {
		if above != nil {
			w.args = append(w.args, above.Path)
		}
	}
	a.list("ebpfsecurity.process.ancestors", w.args)
}

// creation is when the process began.
func (w *writer) creation(at time.Time) string {
	const most = 4096
	text, ok := w.created[at]
	if !ok {
		if w.created == nil || len(w.created) >= most {
			w.created = make(map[time.Time]string)
		}
		text = at.UTC().Format("2006-01-02T15:04:05.000Z") // as semantic conventions show it; exec_id has nanoseconds
		w.created[at] = text
	}
	return text
}

// outcome writes what the kernel answered.
func (w *writer) outcome(e *event.Event) {
	switch {
	case e.Errno == 0:
		w.a.known("ebpfsecurity.outcome", "success")
	case denied(e):
		w.a.known("ebpfsecurity.outcome", "denied")
	default:
		w.a.known("ebpfsecurity.outcome", "failure")
	}
	if e.Errno != 0 {
		w.a.str("error.type", errnoName(e.Errno))
	}
	w.a.num("ebpfsecurity.sample_rate", int64(max(e.Weight, 1)))
}

// denied tells whether it failed for lack of rights.
func denied(e *event.Event) bool {
	const eperm, eacces = 1, 13
	return e.Errno == eperm || e.Errno == eacces
}

// ran tells whether the event is a program that was run: then the event knows
// better than the table what the process is.
func ran(e *event.Event) bool { return e.Class == event.Exec && e.Errno == 0 }

// threadName is without a copy where the thread has the name of its program.
func threadName(actor *event.Actor, p *process.Process) string {
	comm := actor.Comm[:]
	if i := bytes.IndexByte(comm, 0); i >= 0 {
		comm = comm[:i]
	}
	if p.Image != nil && len(comm) <= len(p.Image.Name) && p.Image.Name[:len(comm)] == string(comm) {
		return p.Image.Name[:len(comm)]
	}
	return string(comm)
}

// by ends a sentence with the process that did it.
func (w *writer) by(e *event.Event, p *process.Process) {
	w.body.is(" (")
	w.body.quote(shortName(e, p)).is(", pid ").num(uint64(e.Actor.PID)).is(")")
}

func shortName(e *event.Event, p *process.Process) string {
	if p.Image != nil && p.Image.Name != "" {
		return p.Image.Name
	}
	return threadName(&e.Actor, p)
}

// user begins a sentence.
func (w *writer) user(e *event.Event, p *process.Process) *sentence {
	return w.userName(p.User, e.Actor.EUID)
}

func (w *writer) userName(name string, id uint32) *sentence {
	if name == "" {
		return w.body.is("user ").num(uint64(id))
	}
	return w.body.quote(name)
}

// because ends a sentence about what was not done.
func (w *writer) because(e *event.Event) {
	if e.Errno != 0 {
		w.body.is(": ", errnoName(e.Errno))
	}
}

// did says what was done, or that it was not.
func (w *writer) did(e *event.Event, done, was string) *sentence {
	switch {
	case e.Errno == 0:
		return w.body.is(" ", done, " ")
	case denied(e):
		return w.body.is(" was not allowed to ", was, " ")
	default:
		return w.body.is(" could not ", was, " ")
	}
}

func severityText(n plog.SeverityNumber) string {
	switch n {
	case plog.SeverityNumberDebug:
		return "DEBUG"
	case plog.SeverityNumberWarn:
		return "WARN"
	case plog.SeverityNumberError:
		return "ERROR"
	default:
		return "INFO"
	}
}
