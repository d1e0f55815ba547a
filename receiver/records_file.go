package receiver

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/process"
)

// fileOpen writes an open of a watched file.
func (w *writer) fileOpen(e *event.Event, p *process.Process) said {
	f, a := &e.File, &w.a
	path := string(f.Path)
	operation := name(f.Operation, event.Operations)
	w.user(e, p)
	w.did(e, "opened", "open").quote(path).is(" to ", operation)
	w.because(e)
	w.by(e, p)
	a.str("file.path", path)
	if f.Inode != 0 {
		a.str("file.inode", strconv.FormatUint(f.Inode, 10))
	}
	a.list("ebpfsecurity.file.flags", w.openFlags(f.Flags))
	a.str("ebpfsecurity.file.operation", operation)
	return said{"ebpfsecurity.file.open", [...]plog.SeverityNumber{
		event.Info: plog.SeverityNumberInfo, event.Warning: plog.SeverityNumberWarn, event.Critical: plog.SeverityNumberError,
	}[min(f.Severity, event.Critical)]}
}

// openFlags are the flags of open(2) by name; the lowest two bits are a number.
// Kernels of 64 bits add O_LARGEFILE to all opens.
func (w *writer) openFlags(flags uint32) []string {
	const access = 3
	w.args = append(w.args[:0], [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[flags&access])
	w.args = flagNames(uint64(flags&^(access|largeFile)), openFlags, w.args)
	return w.args
}
