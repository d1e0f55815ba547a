package event

import "net/netip"

// A Class is a kind of event that is reported as a log record.
type Class uint16

// The classes. Each event that a hook or a check observes belongs to one.
const (
	Exec      Class = iota // execve(2), execveat(2), failed ones too
	Exit                   // the end of a process's last thread
	FileOpen               // open of a watched file
	Connect                // a TCP connect that succeeded or failed
	Accept                 // a TCP connection taken by accept(2)
	Close                  // the end of a TCP connection
	UDPSend                // the first datagram from a socket to a peer
	Privilege              // a change of credentials, or a refused one
	Module                 // a kernel module loaded or unloaded
	BPF                    // a BPF program loaded
	Ptrace                 // ptrace(2): attach, seize, traceme
	Namespace              // setns(2), unshare(2), clone(2) with CLONE_NEW*
	Mount                  // mount(2), move_mount(2)
	Config                 // what a check of the host's configuration finds is no longer what it found
	Classes
)

// KernelClasses is how many of the classes the kernel reports: all that are before it.
const KernelClasses = Config

func (c Class) String() string {
	return [...]string{
		"exec", "exit", "file_open", "connect", "accept", "close", "udp_send",
		"privilege", "module", "bpf", "ptrace", "namespace", "mount", "config",
	}[c]
}

// An Outcome is what became of an event. Observed is the sum of all others.
type Outcome uint8

// The outcomes.
const (
	Observed  Outcome = iota // a hook saw it
	Reported                 // as a log record, that the pipeline took
	Filtered                 // the config does not want it
	Sampled                  // another one stands for it
	LostRing                 // the ring buffer was full
	LostBatch                // the queue to the pipeline was full
	Rejected                 // by the pipeline
	Outcomes
)

func (o Outcome) String() string {
	return [...]string{"observed", "reported", "filtered", "sampled", "lost_ring", "lost_batch", "refused"}[o]
}

// A Ledger counts events by class and outcome.
type Ledger [Classes][Outcomes]uint64

// An Event is one record of the kernel. Its slices are valid until the next one
// is read; Class says which of the parts are filled.
type Event struct {
	Class Class
	// Time is nanoseconds since 1970, by the host's clock now.
	Time int64
	// Seq numbers the records of a class on a CPU without gaps.
	Seq uint64
	CPU uint16
	// Weight is how many events it stands for, at least 1.
	Weight uint32
	// Errno is why the kernel refused it, 0 if it did not.
	Errno uint32

	Actor Actor

	Exec      ExecEvent
	Exit      ExitEvent
	File      FileEvent
	Socket    SocketEvent
	Privilege PrivilegeEvent
	Module    ModuleEvent
	BPF       BPFEvent
	Ptrace    PtraceEvent
	Namespace NamespaceEvent
	Mount     MountEvent
}

// An Actor is the process that did it, as the kernel tells.
type Actor struct {
	PID, TID, VPID uint32 // VPID is PID in the process's own namespace
	// Start is when the process began, in nanoseconds since boot (suspended time
	// included). PID and Start together name a process for ever.
	Start uint64
	// Execs grows with every exec: the kernel's self_exec_id.
	Execs uint32
	// Image names what the process runs. A forked child has its parent's until it
	// execs. 0 if unknown. Valid for one run of the sensor.
	Image uint64

	ParentPID   uint32 // of the process that forked it
	ParentStart uint64
	ParentExecs uint32
	ParentImage uint64 // as of the fork

	// Cgroup is the inode number of the cgroup's directory in Hierarchy, of
	// which 0 is version 2.
	Cgroup    uint64
	Hierarchy uint32
	// CWD tells working directories apart and means nothing else.
	CWD uint64

	UID, EUID, GID, EGID uint32
	Type                 ProcessType
	Comm                 [16]byte // NUL-padded name of the thread
}

// ExecFlags say what is special about an executable.
type ExecFlags uint32

// The flags of an exec.
const (
	ExecMemfd   ExecFlags = 1 << iota // from memory
	ExecDeleted                       // its file has no name any more
	ExecSetuid                        // set-user-id or set-group-id
	ExecScript                        // run by an interpreter
	ExecNoArgs                        // its arguments could not be read
)

// An ExecEvent is what was run, or was to be run if it failed.
type ExecEvent struct {
	Path []byte // resolved; of a failed exec the name that was given, empty if unknown
	CWD  []byte
	// Args holds the arguments, each with a NUL after it; ArgsTotal is how many
	// bytes there were.
	Args      []byte
	ArgsTotal uint32
	Flags     ExecFlags
	Session   uint32 // pid of its leader
	TTY       uint32 // device number of the controlling terminal, 0 for none
}

// An ExitEvent is how a process ended.
type ExitEvent struct {
	Code   uint32 // 0…255
	Signal uint32 // 0 if it ended by itself
	Core   bool
}

// A FileEvent is an open of a watched file.
type FileEvent struct {
	Path      []byte // resolved, from the root of its mount namespace
	Inode     uint64
	Dev       uint32 // major << 20 | minor
	Flags     uint32 // of open(2)
	Severity  Severity
	Operation Operation
}

// A SocketEvent is a connection, or a first datagram. IPv4-mapped addresses are unmapped.
type SocketEvent struct {
	Local, Peer netip.AddrPort
	Protocol    Protocol
	Direction   Direction // which side opened it
}

// IDs are what of a process's credentials decides about its rights.
type IDs struct {
	Effective, Permitted   uint64 // capabilities, a bit for each
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
}

// A PrivilegeEvent is a change of credentials. Old and New are equal if it was refused.
type PrivilegeEvent struct {
	Old, New IDs
	Family   Escalation
	Gained   bool
}

// A ModuleEvent is a kernel module loaded or unloaded.
type ModuleEvent struct {
	Name   []byte // empty if it failed
	Path   []byte // of finit_module(2)
	Action ModuleAction
}

// A BPFEvent is a BPF program loaded.
type BPFEvent struct {
	Name []byte
	Type uint32 // enum bpf_prog_type of linux/bpf.h
	ID   uint32
}

// A PtraceEvent is a ptrace(2) that takes hold of a process.
type PtraceEvent struct {
	Request uint32 // PTRACE_* of linux/ptrace.h
	Target  uint32 // pid, as the caller calls it
}

// A NamespaceCall is how a process came into other namespaces.
type NamespaceCall uint32

// The ways into another namespace.
const (
	Setns NamespaceCall = iota
	Unshare
	Clone
	NamespaceCalls
)

func (c NamespaceCall) String() string { return [...]string{"setns", "unshare", "clone"}[c] }

// A NamespaceEvent is a change of namespaces.
type NamespaceEvent struct {
	Flags uint64 // CLONE_NEW* of linux/sched.h: those that changed, or were to change
	Call  NamespaceCall
}

// A MountEvent is a file system mounted, bound, or moved.
type MountEvent struct {
	Device, Type, Target []byte
	Flags                uint64 // MS_* of linux/mount.h
}

// A Cgroup is the path of a cgroup that was not seen before.
type Cgroup struct {
	ID        uint64
	Hierarchy uint32
	Path      string
}
