//go:build linux && (amd64 || arm64)

package sensor

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// BenchmarkKernel shows what the programs add to the operations that they hook,
// and what others add that users could run: those in the directory COST_PEERS,
// the root of a system that has them. `make bench` runs it in a VM that counts
// instructions, where a nanosecond is an instruction.
func BenchmarkKernel(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir := b.TempDir()
	work := operations(b, dir)
	for _, op := range work { // whatever the first time costs
		for range 20 {
			op.do()
		}
	}
	run := func(name string) {
		last := exec.Command("/bin/true")
		if err := last.Run(); err != nil {
			b.Fatal(err)
		}
		for _, op := range work {
			b.Run(name+"/"+op.name, func(b *testing.B) {
				for b.Loop() {
				}
				b.ReportMetric(0, "ns/op")
				onThreadAfter(last.Process.Pid, func() { b.ReportMetric(undisturbed(op.do), "undisturbed-ns/op") })
			})
		}
	}
	run("nothing")
	for _, way := range []string{"counters", "default", "all", "fallback"} {
		stop := startSensor(b, way, watchedFile)
		run(way)
		stop()
	}
	if root := os.Getenv("COST_PEERS"); root != "" {
		for _, p := range peers() {
			stop := p.start(b, root)
			run(p.name)
			stop()
		}
	}
	run("nothing") // again: the first may have been disturbed by what booting left behind
}

// onThreadAfter runs do on a thread that is younger than a process: the kernel's
// audit sees nothing of threads that are older than its being switched on.
func onThreadAfter(pid int, do func()) {
	done := make(chan struct{})
	var try func()
	try = func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		if unix.Gettid() > pid {
			do()
			close(done)
			return
		}
		go try()
		<-done
	}
	go try()
	<-done
}

// undisturbed runs do in batches shorter than a timer's tick and gives the nanoseconds of one run in the best
// batch: what disturbs only ever adds. Of what is longer than that, the median: each is disturbed as often.
func undisturbed(do func()) float64 {
	const longest = time.Millisecond
	start := time.Now()
	do()
	once := max(1, time.Since(start))
	batch := max(1, min(100, int(longest/once)))
	var batches []float64
	for range 101 {
		start := time.Now()
		for range batch {
			do()
		}
		batches = append(batches, float64(time.Since(start))/float64(batch))
	}
	if once > longest {
		return median(batches)
	}
	return slices.Min(batches)
}

// startSensor opens a sensor in a process of its own, so that what is measured
// does not hold its descriptors, and is not the sensor's own doing.
func startSensor(b *testing.B, way, watched string) (stop func()) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SENSOR_HELPER=1")
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		b.Fatal(err)
	}
	var ready, opened answer
	answers := gob.NewDecoder(out)
	err := errors.Join(answers.Decode(&ready), gob.NewEncoder(in).Encode([]string{"sense", way, watched}), answers.Decode(&opened))
	if err != nil || opened.Err != "" {
		b.Fatal(err, opened.Err)
	}
	return func() { _ = in.Close(); _ = cmd.Wait() }
}

// The sensor of startSensor stays until its process ends.
var _ = can("sense", func(args []string) (string, error) {
	o := waysOfUse(args[1])[args[0]]
	hooks := hooksFor(o)
	if args[0] == "fallback" {
		hooks = untrampolined(hooks)
	}
	s := open(o, hooks)
	_, err := s.Count()
	if s.Reports() == nil {
		go func() { _ = s.Read(nobody{}) }()
	}
	return "", err
})

// waysOfUse are those whose cost is shown: a metrics pipeline only; that and a
// logs pipeline, as the receiver's defaults have it; and all that can be
// reported. The fallback is the second without trampolines and kprobes.
func waysOfUse(watched string) map[string]Options {
	counters := typicalOptions(true, watched)
	usual, all := counters, counters
	usual.Report = allRecords()
	usual.Report.FailedOpens = false
	usual.Report.Classes[event.Exit], usual.Report.Classes[event.Close] = false, false
	all.Report = allRecords()
	all.Report.MissingExecs = true
	return map[string]Options{"counters": counters, "default": usual, "all": all, "fallback": usual}
}

// untrampolined are the hooks as a kernel serves them that refuses fentry, fexit and kprobes.
func untrampolined(hooks []hook) []hook {
	spec, err := loadBpf()
	if err != nil {
		panic(err)
	}
	refused := func(p program) bool {
		s := spec.Programs[p.name]
		return s.Type == ebpf.Kprobe || s.AttachType == ebpf.AttachTraceFEntry || s.AttachType == ebpf.AttachTraceFExit
	}
	var left []hook
	for _, h := range hooks {
		h.ways = slices.DeleteFunc(slices.Clone(h.ways), func(w way) bool { return slices.ContainsFunc(w.programs, refused) })
		if len(h.ways) > 0 {
			left = append(left, h)
		}
	}
	return left
}

// nobody takes records and does nothing with them.
type nobody struct{}

func (nobody) Event(*event.Event)  {}
func (nobody) Cgroup(event.Cgroup) {}
func (nobody) Tick(time.Time)      {}

func typicalOptions(taxing bool, more ...string) Options {
	o := Options{
		Process: true, Network: true, File: true, Privilege: true, Kernel: true,
		WorldWritableDirs: []string{"/tmp", "/dev/shm", "/var/tmp"}, SyscallTracepoints: taxing,
	}
	for _, p := range append(more, typicalWatch...) {
		o.Watch = append(o.Watch, Watch{Path: p, Severity: event.Critical, Read: true, Write: true})
	}
	return o
}

// typicalWatch is a list about as long as the receiver's own.
var typicalWatch = []string{
	"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/passwd", "/etc/ssh/sshd_config",
	"/etc/ssh/sshd_config.d/", "/etc/sudoers", "/etc/sudoers.d/", "/etc/pam.d/", "~/.ssh/authorized_keys",
	"/etc/ld.so.preload", "/etc/crontab", "/etc/cron.d/", "/etc/cron.daily/", "/etc/cron.hourly/", "/etc/cron.weekly/",
	"/etc/cron.monthly/", "/var/spool/cron/", "/etc/systemd/system/", "/usr/lib/systemd/system/", "/etc/hosts",
	"/etc/resolv.conf", "/etc/fstab",
}

// BenchmarkCount reads all counters of this kernel, as a scrape does.
func BenchmarkCount(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root")
	}
	s := Open(typicalOptions(true))
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Count(); err != nil {
			b.Fatal(err)
		}
	}
}

// watchedFile is one that the typical sensor does not watch otherwise.
const watchedFile = "/etc/cost-watched"

type operation struct {
	name string
	do   func()
}

// operations are done in /etc: a record of an execution has the path of the directory that it is done in.
func operations(b *testing.B, dir string) []operation {
	b.Chdir("/etc")
	file := func(name string) string {
		p := name
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, name)
		}
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			b.Fatal(err)
		}
		return p
	}
	watched, unwatched := file(watchedFile), file("/etc/cost-unwatched") // as deep as most of what programs read there
	b.Cleanup(func() { os.Remove(watched); os.Remove(unwatched) })
	deep := filepath.Join(dir, "a/b/c/d/e/f")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		b.Fatal(err)
	}
	deep = file("a/b/c/d/e/f/unwatched")
	udp := udpSender(b)
	tcp := tcpServer(b)
	const program = "/etc/cost-exec" // one below /tmp were suspicious, and its record read at once
	if err := os.WriteFile(program, tinyELF, 0o700); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.Remove(program) })
	return []operation{
		{"getppid", func() { unix.Getppid() }},
		{"open_unwatched", func() { openClose(unwatched) }},
		{"open_unwatched_deep", func() { openClose(deep) }},
		{"open_watched", func() { openClose(watched) }},
		{"setuid", func() { _, _, _ = unix.RawSyscall(unix.SYS_SETUID, 0, 0, 0) }},
		{"udp_send", udp},
		{"tcp_connect", tcp},
		{"fork_exec_exit", func() { forkExec(program) }},
		{"shell_job", shellJob(b)},
	}
}

// shellJob lists, searches and packs /etc, to which it adds files: a small VM has few.
func shellJob(b *testing.B) func() {
	dir, err := os.MkdirTemp("/etc", "ebpfsecurity-cost")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	text := []byte(strings.Repeat("a line of a file, which is not long\n", 100))
	for i := range 200 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return func() {
		c := exec.Command("/bin/sh", "-c", `ls -lR "$1" | wc -l; grep -r "a line of" "$1" | wc -l; tar -cf - "$1" | wc -c`, "sh", dir)
		if out, err := c.Output(); err != nil || bytes.Count(out, []byte("\n")) != 3 {
			panic(fmt.Sprint(err, string(out)))
		}
	}
}

func openClose(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	unix.Close(fd)
}

func forkExec(path string) {
	p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{})
	if err != nil {
		panic(err)
	}
	if _, err := p.Wait(); err != nil {
		panic(err)
	}
}

func udpSender(b *testing.B) func() {
	to, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	addr := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(to, &unix.SockaddrInet4{Addr: addr.Addr}); err != nil {
		b.Fatal(err)
	}
	bound, _ := unix.Getsockname(to)
	from, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(to); unix.Close(from) })
	buf, in := make([]byte, 64), make([]byte, 64)
	return func() {
		_ = unix.Sendto(from, buf, 0, bound)
		_, _, _ = unix.Recvfrom(to, in, 0)
	}
}

func tcpServer(b *testing.B) func() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		b.Fatal(err)
	}
	fd, port := int(f.Fd()), l.Addr().(*net.TCPAddr).Port
	_ = unix.SetNonblock(fd, false)
	b.Cleanup(func() { f.Close(); l.Close() })
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	return func() {
		c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			panic(err)
		}
		if err := unix.Connect(c, to); err != nil {
			panic(err)
		}
		a, _, err := unix.Accept(fd)
		if err != nil {
			panic(err)
		}
		unix.Close(c)
		unix.Close(a)
	}
}
