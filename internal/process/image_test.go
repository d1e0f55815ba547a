package process

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

func TestTextIsValidAndBounded(t *testing.T) {
	for _, test := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"plain", "plain", 10, "plain"},
		{"cut", "plain", 3, "pla"},
		{"nothing", "", 3, ""},
		{"invalid byte", "a\xffb", 10, "a\uFFFDb"},
		{"several invalid bytes", "a\xff\xfeb", 10, "a\uFFFDb"},
		{"rune that is cut", "ää", 3, "ä"},
		{"longer once it is valid", "\xffa\xffa", 4, "\uFFFDa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			check(t, "text", text([]byte(test.in), test.n), test.want)
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("a\xff\xfeb"), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = max(0, min(n, 100))
		if s := text(b, n); len(s) > n || !utf8.ValidString(s) {
			t.Errorf("got %q of at most %d", s, n)
		}
	})
}

func TestArguments(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for _, test := range []struct{ name, in, want, line string }{
		{"none", "", "[]", ""},
		{"one", "ls\x00", "[ls]", "ls"},
		{"empty ones", "a\x00\x00b\x00\x00", "[a  b ]", "a  b "},
		{"without an end", "a\x00b", "[a b]", "a b"},
		{"invalid", "a\xff\x00b\x00", "[a\uFFFD b]", "a\uFFFD b"},
		{"long", "a\x00" + long + "\x00b\x00", "[a " + long[:maxArgs-2] + "]", "a " + long[:maxArgs-2]},
	} {
		t.Run(test.name, func(t *testing.T) {
			var img Image
			img.setArgs([]byte(test.in))
			check(t, "arguments", fmt.Sprint(img.Args), test.want)
			check(t, "command line", img.CommandLine, test.line)
		})
	}
}

func TestManyArgumentsAreCut(t *testing.T) {
	var img Image
	img.setArgs([]byte(strings.Repeat("a\x00", 5000)))
	check(t, "arguments", len(img.Args), maxArgCount)
	check(t, "bytes", len(img.CommandLine), maxArgs-1)
}

func TestImagesAreBoundedByNumber(t *testing.T) {
	table := newHost(t).table(Options{MaxImages: 10})
	for i := range uint64(100) {
		table.Exec(execOf(actor(uint32(i+1), i+1, i+1), "/bin/x"))
	}
	s := table.Stats()
	check(t, "images", s.Images, 10)
	check(t, "evictions", s.ImageEvictions, 90)
	check(t, "processes", s.Processes, 10)
	check(t, "evicted processes", s.ProcessEvictions, 90)
	if img := table.Describe(actor(1, 1, 1)).Image; img != nil {
		t.Errorf("got %+v, want nothing", img)
	}
	check(t, "the last", table.Describe(actor(100, 100, 100)).Image.PID, 100)
}

func TestImagesAreBoundedByBytes(t *testing.T) {
	table := newHost(t).table(Options{MaxImages: 100})
	long := strings.Repeat("/x", 3000)
	for i := range uint64(1000) {
		table.Exec(execOf(actor(uint32(i+1), i+1, i+1), long, long))
	}
	s := table.Stats()
	if s.ImageBytes > 100*averageImage || s.ImageBytes < 50*averageImage {
		t.Errorf("images take %d bytes", s.ImageBytes)
	}
	check(t, "images seen", s.Images+s.ImageEvictions, 1000)
}

func TestImageThatIsToldAgainCountsOnce(t *testing.T) {
	table := newHost(t).table(Options{MaxImages: 100})
	a := actor(1, 1, 1)
	table.Exec(execOf(a, "/bin/x"))
	bytes := table.Stats().ImageBytes
	table.Exec(execOf(a, "/bin/y"))
	check(t, "bytes", table.Stats().ImageBytes, bytes)
	check(t, "images", table.Stats().Images, 1)
	check(t, "evictions", table.Stats().ImageEvictions, 0)
}

func TestStatsAreForAll(t *testing.T) {
	table := newHost(t).table(Options{MaxImages: 10})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for table.Stats().ImageEvictions < 90 {
			runtime.Gosched()
		}
	}()
	for i := range uint64(100) {
		table.Exec(execOf(actor(uint32(i+1), i+1, i+1), "/bin/x"))
	}
	<-done
}

func TestStat(t *testing.T) {
	for _, test := range []struct {
		name, in, comm string
		ok             bool
	}{
		{"plain", statLine("bash", 50), "bash", true},
		{"with a parenthesis and a state", statLine("a) R 1 (b", 50), "a) R 1 (b", true},
		{"with a line end", statLine("a\n) 1", 50), "a\n) 1", true},
		{"empty", "", "", false},
		{"no name", "7 S 1", "", false},
		{"the wrong way round", "7 ) S ( 1", "", false},
		{"cut", "7 (a) S 1 2 3", "a", false},
		{"no number", strings.Replace(statLine("a", 50), " 50 ", " x ", 1), "a", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, ok := parseStat([]byte(test.in))
			check(t, "ok", ok, test.ok)
			check(t, "comm", s.comm, test.comm)
			if ok {
				check(t, "start", s.start, 50)
			}
		})
	}
}

func TestEscapedName(t *testing.T) {
	check(t, "is named", stat{comm: `a\nb\\`}.isNamed("a\nb\\"), true)
}

func FuzzStat(f *testing.F) {
	f.Add([]byte(statLine("a) R 1 (b", 50)))
	f.Fuzz(func(_ *testing.T, b []byte) { parseStat(b) })
}

func TestExecutableWithoutAName(t *testing.T) {
	for _, test := range []struct {
		exe, path, name string
		flags           event.ExecFlags
	}{
		{"/tmp/x (deleted)", "/tmp/x", "x", event.ExecDeleted},
		{"/memfd:evil (deleted)", "/memfd:evil", "memfd:evil", event.ExecMemfd},
		{"/memfd:evil", "/memfd:evil", "memfd:evil", 0},
		{"/bin/\xff", "/bin/\uFFFD", "\uFFFD", 0},
	} {
		t.Run(test.exe, func(t *testing.T) {
			h := newHost(t)
			h.process(100, "x", 50, test.exe, "x")
			img := h.table(Options{}).Describe(actor(100, 50, 1)).Image
			check(t, "path", img.Path, test.path)
			check(t, "name", img.Name, test.name)
			check(t, "flags", img.Flags, test.flags)
		})
	}
}

func TestHugeCommandLine(t *testing.T) {
	h := newHost(t)
	h.process(100, "x", 50, "/bin/x", "x", strings.Repeat("y", 1<<20))
	img := h.table(Options{}).Describe(actor(100, 50, 1)).Image
	check(t, "ArgsTotal", img.ArgsTotal, maxRead)
	check(t, "command line", len(img.CommandLine), maxArgs)
}

func TestKernelThreadHasNoImage(t *testing.T) {
	h := newHost(t)
	h.write("proc/2/stat", statLine("kthreadd", 50))
	if img := h.table(Options{}).Describe(actor(2, 50, 0)).Image; img != nil {
		t.Errorf("got %+v, want nothing", img)
	}
}

func TestDirectoryForAFile(t *testing.T) {
	h := newHost(t)
	h.process(100, "x", 50, "/bin/x", "x")
	name := filepath.Join(h.root, "proc/100/cmdline")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	h.write("proc/100/cmdline/x", "")
	check(t, "command line", h.table(Options{}).Describe(actor(100, 50, 1)).Image.CommandLine, "")
}
