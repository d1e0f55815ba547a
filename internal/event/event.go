// Package event is the vocabulary of the project: the kinds of security
// activity and how each is classified. It knows neither the kernel nor
// OpenTelemetry. The String of every value is its label in metrics.
package event

// A ProcessType says what kind of executable a process runs.
type ProcessType uint32

// The types of a process. Suspicious wins over Container, Container over System.
const (
	System     ProcessType = iota // executable in a system directory, not writable by others
	User                          // any other executable
	Container                     // cgroup or namespaces of a container
	Suspicious                    // fileless, in a world-writable directory, or a shell on a socket
	ProcessTypes
)

func (t ProcessType) String() string {
	return [...]string{"system", "user", "container", "suspicious"}[t]
}

// A Direction says which side opened a connection.
type Direction uint32

// The directions of a connection.
const (
	In Direction = iota
	Out
	Directions
)

func (d Direction) String() string { return [...]string{"in", "out"}[d] }

// A Protocol is a transport protocol.
type Protocol uint32

// The transport protocols.
const (
	TCP Protocol = iota
	UDP
	Protocols
)

func (p Protocol) String() string { return [...]string{"tcp", "udp"}[p] }

// A ConnectError says how a connection failed. An orderly close is not an error.
type ConnectError uint32

// The ways in which a connection fails.
const (
	Timeout     ConnectError = iota // ETIMEDOUT
	Refused                         // ECONNREFUSED
	Reset                           // ECONNRESET, EPIPE, ECONNABORTED
	Unreachable                     // EHOSTUNREACH, ENETUNREACH and their kin
	ConnectErrors
)

func (e ConnectError) String() string {
	return [...]string{"timeout", "refused", "reset", "unreachable"}[e]
}

// A Severity says how much an access to a watched file matters.
type Severity uint32

// The severities of a watched file, least first.
const (
	Info Severity = iota
	Warning
	Critical
	Severities
)

func (s Severity) String() string { return [...]string{"info", "warning", "critical"}[s] }

// An Operation is what a file was opened for.
type Operation uint32

// The operations on a file. An open for both counts as Write, unless only
// reads of the file are watched.
const (
	Read Operation = iota
	Write
	Operations
)

func (o Operation) String() string { return [...]string{"read", "write"}[o] }

// An Escalation says by which family of calls rights were gained.
type Escalation uint32

// The families. An exec of a set-id file belongs to Setuid or Setgid, of a
// file with capabilities to Capset.
const (
	Setuid Escalation = iota // setuid, setreuid, setresuid, setfsuid
	Setgid                   // setgid, setregid, setresgid, setfsgid
	Capset
	Escalations
)

func (e Escalation) String() string { return [...]string{"setuid", "setgid", "capset"}[e] }

// A Result says whether the kernel did what it was asked.
type Result uint32

// The results of an attempt.
const (
	Success Result = iota
	Failure
	Results
)

func (r Result) String() string { return [...]string{"success", "failure"}[r] }

// A ModuleAction is what was done with a kernel module.
type ModuleAction uint32

// The actions on kernel modules.
const (
	Load     ModuleAction = iota // init_module(2): from memory
	LoadFile                     // finit_module(2): from a file
	Unload                       // delete_module(2)
	ModuleActions
)

func (a ModuleAction) String() string { return [...]string{"load", "load_file", "unload"}[a] }

// A BPFCommand is a kind of bpf(2) call that puts something into the kernel.
type BPFCommand uint32

// The commands of bpf(2) that are counted.
const (
	ProgLoad  BPFCommand = iota // BPF_PROG_LOAD
	MapCreate                   // BPF_MAP_CREATE
	Attach                      // BPF_PROG_ATTACH, BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE
	BPFCommands
)

func (c BPFCommand) String() string { return [...]string{"prog_load", "map_create", "attach"}[c] }
