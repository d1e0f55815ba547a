//go:build linux && (amd64 || arm64)

package sensor

import (
	"embed"
	"testing"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// Records as kernels have written them. TestKernelRecordBytes writes them anew with SENSOR_RECORD=testdata/records.
//
//go:embed testdata/records
var recorded embed.FS

// eachRecorded calls do with the name and the bytes of every recorded record.
func eachRecorded(t testing.TB, do func(name string, raw []byte)) {
	t.Helper()
	files, err := recorded.ReadDir("testdata/records")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := recorded.ReadFile("testdata/records/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		do(f.Name(), raw)
	}
}

// A taker keeps the last thing it was given.
type taker struct {
	event  *event.Event
	cgroup event.Cgroup
}

func (k *taker) Event(e *event.Event)  { k.event = e }
func (k *taker) Cgroup(c event.Cgroup) { k.cgroup = c }
func (k *taker) Tick(time.Time)        {}

func TestDecodeRecorded(t *testing.T) {
	seen := 0
	eachRecorded(t, func(name string, raw []byte) {
		t.Run(name, func(t *testing.T) {
			var k taker
			d := &decoder{}
			if err := d.give(raw, &k); err != nil {
				t.Fatal(err)
			}
			if k.event == nil {
				if name != "cgroup" || k.cgroup.Path == "" || k.cgroup.Path[0] != '/' {
					t.Fatalf("%+v", k.cgroup)
				}
				return
			}
			if want := name; k.event.Class.String() != want || k.event.Actor.PID == 0 || k.event.Actor.Start == 0 {
				t.Fatalf("%+v", k.event)
			}
			seen++
			// Whatever is cut off is told, not made up.
			for n := range raw {
				_ = d.give(raw[:n], &k)
			}
		})
	})
	if seen == 0 {
		t.Fatal("nothing is recorded")
	}
}

func FuzzDecode(f *testing.F) {
	eachRecorded(f, func(_ string, raw []byte) { f.Add(raw) })
	d := &decoder{}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var k taker
		if err := d.give(raw, &k); err != nil || k.event == nil {
			return
		}
		e := k.event
		total := len(e.Exec.Path) + len(e.Exec.CWD) + len(e.Exec.Args) + len(e.File.Path) + len(e.Module.Path)
		if e.Class < event.FileOpen && total > 2*len(raw) {
			t.Fatalf("%d bytes of strings in a record of %d", total, len(raw))
		}
		_ = e.Class.String() + e.Actor.Type.String() + e.File.Severity.String() + e.File.Operation.String() +
			e.Socket.Protocol.String() + e.Socket.Direction.String() + e.Privilege.Family.String() +
			e.Module.Action.String() + e.Namespace.Call.String()
	})
}

func TestCgroupPath(t *testing.T) {
	for names, want := range map[string]string{
		"":                       "/",
		"a\x00":                  "/a",
		"c\x00b\x00a\x00":        "/a/b/c",
		"x.scope\x00y.slice\x00": "/y.slice/x.scope",
	} {
		if got := cgroupPath([]byte(names)); got != want {
			t.Errorf("%q: %q instead of %q", names, got, want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	eachRecorded(b, func(name string, raw []byte) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			d, k := &decoder{}, &taker{}
			for b.Loop() {
				if err := d.give(raw, k); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
