package receiver

import (
	"bytes"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

// exec writes a program that was run. If it was not, the process is what it was
// before, and what it wanted to run is a file with arguments of its own.
func (w *writer) exec(e *event.Event, p *process.Process) said {
	s := said{"ebpfsecurity.process.exec", plog.SeverityNumberInfo}
	line, cut := w.arguments(&e.Exec)
	a := &w.a
	if e.Errno == 0 {
		path := w.path(e, p)
		a.str("process.executable.path", path)
		a.str("process.executable.name", path[strings.LastIndexByte(path, '/')+1:])
		a.str("process.command_line", line)
		a.str("process.working_directory", workingDirectory(e, p))
		w.user(e, p).is(" ran ").quote(path)
	} else {
		path := string(e.Exec.Path)
		a.str("file.path", path)
		w.user(e, p)
		w.did(e, "", "run")
		if path == "" {
			path = "a program"
		}
		w.body.quote(path)
	}
	if len(w.args) > 1 {
		w.body.words(w.args[1:])
	}
	w.because(e)
	w.ran(e, p)
	if e.Errno != 0 {
		a.list("ebpfsecurity.exec.args", w.args)
	} else if e.Exec.Flags&event.ExecNoArgs == 0 {
		a.list("process.command_args", w.args)
		a.num("process.args_count", int64(len(w.args)))
	}
	if e.Errno == 0 {
		a.boolean("process.interactive", e.Exec.TTY != 0)
	}
	if e.Exec.Session != 0 {
		a.num("process.session_leader.pid", int64(e.Exec.Session))
	}
	a.str("ebpfsecurity.process.type", name(e.Actor.Type, event.ProcessTypes))
	w.args = flagNames(uint64(e.Exec.Flags), execFlags, w.args[:0])
	a.list("ebpfsecurity.exec.flags", w.args)
	if cut > 0 {
		a.num("ebpfsecurity.args_truncated_bytes", int64(cut))
	}
	if e.Errno == 0 && e.Actor.Type == event.Suspicious {
		s.severity = plog.SeverityNumberWarn
	}
	return s
}

// ran ends the sentence about a program.
func (w *writer) ran(e *event.Event, p *process.Process) {
	if e.Errno != 0 {
		w.by(e, p)
		return
	}
	w.body.is(" (pid ").num(uint64(e.Actor.PID))
	if p.Parent != nil && p.Parent.Name != "" {
		w.body.is(", by ").quote(p.Parent.Name)
	}
	if e.Actor.Type == event.Suspicious {
		w.body.is(", suspicious")
	}
	w.body.is(")")
}

// path is the executable, without a copy where the table has the same one.
func (w *writer) path(e *event.Event, p *process.Process) string {
	if p.Image != nil && p.Image.Path == string(e.Exec.Path) {
		return p.Image.Path
	}
	return string(e.Exec.Path)
}

func workingDirectory(e *event.Event, p *process.Process) string {
	if len(e.Exec.CWD) == 0 || p.CWD == string(e.Exec.CWD) {
		return p.CWD
	}
	return string(e.Exec.CWD)
}

// arguments cuts the arguments into w.args, and returns them with spaces between
// and how many bytes of them are missing.
func (w *writer) arguments(x *event.ExecEvent) (line string, cut int) {
	w.args = w.args[:0]
	raw := x.Args[:min(len(x.Args), w.maxArgs)]
	cut = max(int(x.ArgsTotal), len(x.Args)) - len(raw)
	whole := bytes.HasSuffix(raw, []byte{0})
	text := string(raw)
	for rest := strings.TrimSuffix(text, "\x00"); len(raw) > 0; {
		arg, after, more := strings.Cut(rest, "\x00")
		w.args = append(w.args, arg)
		if !more {
			break
		}
		rest = after
	}
	if whole {
		text = text[:len(text)-1]
	}
	return strings.ReplaceAll(text, "\x00", " "), cut
}

// exit writes the end of a process.
func (w *writer) exit(e *event.Event, p *process.Process) said {
	w.body.quote(shortName(e, p)).is(" (pid ").num(uint64(e.Actor.PID)).is(", ")
	w.user(e, p).is(")")
	if x := e.Exit; x.Signal != 0 {
		w.a.str("ebpfsecurity.process.exit.signal", signalName(x.Signal))
		w.body.is(" was ended by ", signalName(x.Signal))
		if x.Core {
			w.body.is(" and dumped core")
		}
	} else {
		w.a.num("process.exit.code", int64(x.Code))
		w.body.is(" ended with code ").num(uint64(x.Code))
	}
	return said{"ebpfsecurity.process.exit", plog.SeverityNumberDebug}
}
