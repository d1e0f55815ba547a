package receiver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// A tape gives numbers and texts from arbitrary bytes, zeros when they are used up.
type tape []byte

func (t *tape) next(n int) []byte {
	out := make([]byte, n)
	*t = (*t)[copy(out, *t):]
	return out
}

func (t *tape) u32() uint32 { return binary.LittleEndian.Uint32(t.next(4)) }
func (t *tape) u64() uint64 { return binary.LittleEndian.Uint64(t.next(8)) }

func (t *tape) text() []byte {
	n := min(int(t.next(1)[0]), len(*t))
	return t.next(n)
}

func (t *tape) addr() netip.AddrPort {
	var a netip.Addr
	switch t.next(1)[0] % 3 {
	case 0:
		a = netip.AddrFrom4([4]byte(t.next(4)))
	case 1:
		a = netip.AddrFrom16([16]byte(t.next(16)))
	}
	return netip.AddrPortFrom(a, uint16(t.u32()))
}

func (t *tape) ids() event.IDs {
	return event.IDs{
		Effective: t.u64(), Permitted: t.u64(), UID: t.u32(), EUID: t.u32(), SUID: t.u32(),
		GID: t.u32(), EGID: t.u32(), SGID: t.u32(),
	}
}

func (t *tape) event() *event.Event {
	e := &event.Event{
		Class: event.Class(t.next(1)[0]) % event.KernelClasses, Time: int64(t.u64()), Weight: t.u32(), Errno: t.u32(),
		Actor: event.Actor{
			PID: t.u32(), TID: t.u32(), VPID: t.u32(), ParentPID: t.u32(), UID: t.u32(), EUID: t.u32(),
			Type: event.ProcessType(t.u32()), Comm: [16]byte(t.next(16)),
		},
	}
	e.Exec = event.ExecEvent{
		Path: t.text(), CWD: t.text(), Args: t.text(), ArgsTotal: t.u32(), Flags: event.ExecFlags(t.u32()), Session: t.u32(), TTY: t.u32(),
	}
	e.Exit = event.ExitEvent{Code: t.u32(), Signal: t.u32(), Core: t.u32() > 0}
	e.File = event.FileEvent{
		Path: t.text(), Inode: t.u64(), Flags: t.u32(), Severity: event.Severity(t.u32()), Operation: event.Operation(t.u32()),
	}
	e.Socket = event.SocketEvent{Local: t.addr(), Peer: t.addr(), Protocol: event.Protocol(t.u32()), Direction: event.Direction(t.u32())}
	e.Privilege = event.PrivilegeEvent{Old: t.ids(), New: t.ids(), Family: event.Escalation(t.u32()), Gained: t.u32() > 0}
	e.Module = event.ModuleEvent{Name: t.text(), Path: t.text(), Action: event.ModuleAction(t.u32())}
	e.BPF = event.BPFEvent{Name: t.text(), Type: t.u32(), ID: t.u32()}
	e.Ptrace = event.PtraceEvent{Request: t.u32(), Target: t.u32()}
	e.Namespace = event.NamespaceEvent{Flags: t.u64(), Call: event.NamespaceCall(t.u32())}
	e.Mount = event.MountEvent{Device: t.text(), Type: t.text(), Target: t.text(), Flags: t.u64()}
	return e
}

// FuzzRecord: whatever the kernel may say, the record is sound.
func FuzzRecord(f *testing.F) {
	for c := range event.KernelClasses {
		f.Add(append([]byte{byte(c)}, bytes.Repeat([]byte{0xff, 1, 0x1b, 0}, 100)...), "bash")
	}
	f.Add([]byte{}, "\xff\x1b[m")
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		in := tape(raw)
		e := in.event()
		p := sampleProcess()
		p.User, p.Cgroup = name, name
		w := writer{maxArgs: maxArgs}
		logs := plog.NewLogs()
		r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		size := w.write(r, e, p, sampleNow)
		marshaler := plog.ProtoMarshaler{}
		assert.LessOrEqual(t, marshaler.LogsSize(logs), size+16)
		assert.NoError(t, harmless(r.Body().Str()))
		assert.Equal(t, e.Class, classOf(r.EventName()))
		seen := make(map[string]bool)
		for key, v := range r.Attributes().All() {
			assert.False(t, seen[key], "%s is there twice", key)
			seen[key] = true
			switch v.Type() {
			case pcommon.ValueTypeStr:
				assert.True(t, utf8.ValidString(v.Str()), key)
			case pcommon.ValueTypeSlice:
				for _, item := range v.Slice().All() {
					assert.True(t, utf8.ValidString(item.Str()), key)
				}
			}
		}
		raw, err := marshaler.MarshalLogs(logs)
		require.NoError(t, err)
		_, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(raw)
		require.NoError(t, err)
	})
}

// FuzzSentence: no text can do anything to a terminal.
func FuzzSentence(f *testing.F) {
	f.Add("plain", "\x1b[31m")
	f.Add("\u202e", "\xf0\x9f")
	f.Fuzz(func(t *testing.T, a, b string) {
		var s sentence
		s.quote(a).words([]string{a, b, ""})
		require.NoError(t, harmless(string(s)))
		assert.Less(t, len(s), 12*(2*maxQuoted+len(a)%maxQuoted)+6000)
	})
}
