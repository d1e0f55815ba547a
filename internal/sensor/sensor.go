// Package sensor puts the BPF programs into the kernel and reads what they
// count. It is the only package that knows cilium/ebpf.
package sensor

import (
	"net/netip"
	"time"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
)

// Options say what to watch.
type Options struct {
	Process, Network, File, Privilege, Kernel bool

	// Watch lists the files whose opens are counted.
	Watch []Watch
	// WorldWritableDirs are directories whose executables are suspicious.
	WorldWritableDirs []string
	// RootPath is where the host's root directory is mounted, "/" if empty.
	RootPath string
	// SyscallTracepoints allows programs under syscalls/, each of which slows
	// every syscall of the host, where nothing cheaper serves a hook.
	SyscallTracepoints bool
	// Cgroup is the id of a cgroup (version 2). If not 0, only what the
	// processes in and below it do is counted.
	Cgroup uint64
	// NetNS is the inode number of a network namespace. If not 0, only TCP
	// connections and socket errors in it are counted.
	NetNS uint32
	// Report says what is reported beside being counted: nothing if it is zero.
	Report Report
	// BTF is a file with the kernel's type information, /sys/kernel/btf/vmlinux if empty.
	BTF string
}

// A Watch names files by path and what an open of them is worth.
type Watch struct {
	// Path is an absolute path; or a directory with a trailing slash, which
	// stands for all below it; or "~/" and a path of two names, which stands for that
	// path in any directory.
	Path     string
	Severity event.Severity
	Read     bool
	Write    bool
}

// A Priority is a ring buffer of its own, so that a flood in one pushes nothing out of another.
type Priority int

// The priorities.
const (
	High   Priority = iota // privilege, module, bpf, ptrace, namespace, mount; all that is suspicious
	Normal                 // exec, exit and connections
	Low                    // opens of files
	Priorities
)

// Report says which events become records, and where there is room for them.
type Report struct {
	Classes [event.KernelClasses]bool
	// Rings are the sizes of the ring buffers in bytes: powers of two, at least a page.
	Rings [Priorities]uint32
	// FailedOpens reports opens of watched files that failed, too.
	FailedOpens bool
	// MissingExecs reports executions of what is not there (ENOENT, ENOTDIR), too: a search
	// through PATH is a series of them. They are filtered otherwise.
	MissingExecs bool
	// ArgsMax is how many bytes of argv are reported, at most 32767; 0 is as many.
	ArgsMax uint32
	// Exclude and Only are filters that the kernel applies. What either of them keeps
	// out is counted as filtered. An empty list of Only keeps nothing out.
	Exclude, Only Filter
}

// any tells whether there is something to report.
func (r Report) any() bool { return r.Classes != [event.KernelClasses]bool{} }

// A Filter matches events by any of its lists; each is about the events that have such a thing.
type Filter struct {
	Executables []string // resolved paths; with a trailing slash all below a directory
	Paths       []string // of opened files, in the same way
	Users       []uint32 // effective user ids
	Peers       []netip.Prefix
}

// A Handler takes what Read reads. It is called by one goroutine and must not block.
type Handler interface {
	// Event takes a record. It and its slices are used again for the next one.
	Event(*event.Event)
	// Cgroup tells the path of a cgroup, before the first event of a process in it.
	Cgroup(event.Cgroup)
	// Tick is called when all has been read that there is, several times a second.
	Tick(time.Time)
}

// A Hook is one thing that is watched and what came of the wish to watch it.
type Hook struct {
	// Name is the hook's name, such as "file.open".
	Name string
	// Program is the BPF program that serves it, "" if none could.
	Program string
	// SyscallTracepoints says that Program slows every syscall of the host.
	SyscallTracepoints bool
	// SuccessesOnly says that Program does not see attempts that failed.
	SuccessesOnly bool
	// Err says why no program, or none of the better ones, could serve the hook.
	Err error
	// Tried are the ways to serve it that were tried, best first. Nothing was if there is no
	// BPF at all.
	Tried []Attempt
}

// An Attempt is a way to serve a hook, and what came of it.
type Attempt struct {
	// Program is the BPF program that the way is named after.
	Program string
	// Companion says that it only tells more of what the program reports that serves the hook.
	Companion bool
	// Err says why it could not be used, nil if it is.
	Err error
}

// Counts are the kernel's counters since the sensor was opened. All only grow,
// but for the Active ones.
type Counts struct {
	Exec          [event.ProcessTypes]uint64
	Exit          [event.ProcessTypes]uint64
	Active        [event.ProcessTypes]int64
	Connect       [event.Directions][event.Protocols]uint64
	ConnectActive [event.Directions][event.Protocols]int64
	ConnectError  [event.ConnectErrors]uint64
	FileAccess    [event.Severities][event.Operations]uint64
	Escalation    [event.Escalations][event.Results]uint64
	Module        [event.ModuleActions][event.Results]uint64
	BPF           [event.BPFCommands][event.Results]uint64
	// Untracked counts the processes, sockets and UDP peers that a full table
	// could not hold, by as many the Active counts are too low; and the opens of
	// which the path was too deep to tell whether it is watched.
	Untracked uint64
	// Ledger has what became of events in the kernel: Observed, Filtered, Sampled and LostRing.
	Ledger event.Ledger
	// Missed is how often the kernel skipped a program because it was already
	// running on that CPU, where an interrupt or another task came in between.
	// Each is an event that was not counted, but for the ends of processes, which
	// are found later.
	Missed uint64
}

// A Sensor counts until it is closed.
type Sensor struct {
	since time.Time
	hooks []Hook
	platform
}

// Hooks tells of every hook that was asked for, in a fixed order.
func (s *Sensor) Hooks() []Hook { return s.hooks }

// Since is when counting began.
func (s *Sensor) Since() time.Time { return s.since }
