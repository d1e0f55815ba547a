package receiver

import (
	"math"
	"net/netip"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sample"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/topn"
)

// Events say which events become log records, and how these are delivered.
type Events struct {
	Classes Classes `mapstructure:"classes"`
	// FailedOpens reports opens of watched files that failed, too.
	FailedOpens bool `mapstructure:"failed_opens"`
	// MissingExecs reports failed executions of what is not there, too: each search through
	// PATH is a series of them.
	MissingExecs bool `mapstructure:"missing_execs"`
	// Exclude keeps out what one of its lists names.
	Exclude Filter `mapstructure:"exclude"`
	// Only keeps out what a list of it, if that has entries, does not name.
	Only Filter `mapstructure:"only"`
	// ArgsMaxBytes is how many bytes of the arguments of a program are reported.
	ArgsMaxBytes ArgsSize `mapstructure:"args_max_bytes"`
	// Ancestors is how many processes above its own a record names, the parent first.
	Ancestors Depth `mapstructure:"ancestors"`

	Rings    Rings                     `mapstructure:"rings"`
	Sampling Sampling                  `mapstructure:"sampling"`
	Batch    Batch                     `mapstructure:"batch"`
	Queue    Queue                     `mapstructure:"queue"`
	Retry    configretry.BackOffConfig `mapstructure:"retry"`
}

// Classes are switches for the classes of events.
type Classes struct {
	// Exec is programs run, or that could not be.
	Exec bool `mapstructure:"exec"`
	// Exit is processes that ended.
	Exit bool `mapstructure:"exit"`
	// FileOpen is opens of watched files.
	FileOpen bool `mapstructure:"file_open"`
	// Connect is TCP connections made, or that failed.
	Connect bool `mapstructure:"connect"`
	// Accept is TCP connections accepted.
	Accept bool `mapstructure:"accept"`
	// Close is TCP connections that ended.
	Close bool `mapstructure:"close"`
	// UDPSend is the first datagram from a socket to a peer.
	UDPSend bool `mapstructure:"udp_send"`
	// Privilege is changes of users, groups and capabilities.
	Privilege bool `mapstructure:"privilege"`
	// Module is kernel modules loaded and unloaded.
	Module bool `mapstructure:"module"`
	// BPF is BPF programs loaded.
	BPF bool `mapstructure:"bpf"`
	// Ptrace is processes that took hold of others.
	Ptrace bool `mapstructure:"ptrace"`
	// Namespace is changes of namespaces.
	Namespace bool `mapstructure:"namespace"`
	// Mount is file systems mounted.
	Mount bool `mapstructure:"mount"`
	// Config is changes of what the checks look at.
	Config bool `mapstructure:"config"`
}

// A Filter names events by what they are about.
type Filter struct {
	// Executables are what the process runs. That of a script is its interpreter.
	Executables []FilePath `mapstructure:"executables"`
	// Paths are opened files.
	Paths []FilePath `mapstructure:"paths"`
	// Users are effective users.
	Users []User `mapstructure:"users"`
	// Containers are what the process runs in; host is none.
	Containers []Container `mapstructure:"containers"`
	// Peers are the other ends of connections and datagrams.
	Peers []Peer `mapstructure:"peers"`
}

// Unmarshal lets the numbers of users be written without quotes.
func (f *Filter) Unmarshal(conf *confmap.Conf) error {
	list, ok := conf.Get("users").([]any)
	if !ok {
		return conf.Unmarshal(f)
	}
	users := make([]any, len(list))
	for i, u := range list {
		users[i] = u
		if n, ok := u.(int); ok {
			users[i] = strconv.Itoa(n)
		}
	}
	if err := conf.Merge(confmap.NewFromStringMap(map[string]any{"users": users})); err != nil {
		return err
	}
	return conf.Unmarshal(f)
}

// Rings are the sizes of the buffers between the kernel and the receiver.
type Rings struct {
	// High is for what is never sampled, and what suspicious processes do.
	High RingSize `mapstructure:"high"`
	// Normal is for the rest.
	Normal RingSize `mapstructure:"normal"`
	// Low is for opens of files.
	Low RingSize `mapstructure:"low"`
}

// Sampling bounds how many events of a class are reported.
type Sampling struct {
	// EventsPerSecond is how many of a class may pass on average: above twice as many it is
	// sampled. 0 is never.
	EventsPerSecond Amount `mapstructure:"events_per_second"`
	// Interval is how often that is looked at.
	Interval Interval `mapstructure:"interval"`
	// MaxRate is how many events a record may stand for.
	MaxRate SampleRate `mapstructure:"max_rate"`
}

// Batch says when a batch of records is full.
type Batch struct {
	// MaxRecords is how many records it has then.
	MaxRecords Positive `mapstructure:"max_records"`
	// MaxBytes is how large it is then, in OTLP.
	MaxBytes BatchSize `mapstructure:"max_bytes"`
	// MaxAge is how old its first record is then.
	MaxAge Interval `mapstructure:"max_age"`
}

// Queue says how many batches may wait for the pipeline, and how large they may
// be together: small ones for a pipeline that pauses, large ones for memory.
type Queue struct {
	// Batches is how many of each priority may wait.
	Batches Positive `mapstructure:"batches"`
	// MaxBytes is how large all that wait may be, in OTLP. Normal priority may fill three
	// quarters of it, low priority half.
	MaxBytes QueueSize `mapstructure:"max_bytes"`
}

// Top bounds the metric security.ebpf.top.
type Top struct {
	// Capacity is how many keys of a kind are counted.
	Capacity Positive `mapstructure:"capacity"`
	// Series is how many of them are shown.
	Series Series `mapstructure:"series"`
}

func defaultEvents() Events {
	return Events{
		Classes: Classes{
			Exec: true, FileOpen: true, Connect: true, Accept: true, UDPSend: true, Privilege: true,
			Module: true, BPF: true, Ptrace: true, Namespace: true, Mount: true, Config: true,
		},
		ArgsMaxBytes: maxArgs,
		Ancestors:    3,
		Rings:        Rings{High: 1 * mebibyte, Normal: 4 * mebibyte, Low: 4 * mebibyte},
		Sampling:     Sampling{EventsPerSecond: sample.DefaultTarget, Interval: Interval(sample.DefaultInterval), MaxRate: sample.DefaultMax},
		Batch:        Batch{MaxRecords: 1000, MaxBytes: maxBatch, MaxAge: Interval(time.Second)},
		Queue:        Queue{Batches: 64, MaxBytes: 32 * mebibyte},
		Retry:        defaultRetry(),
	}
}

// defaultRetry outlasts a pipeline that refuses for 30 seconds, and is quick
// when it recovers: the queue fills meanwhile.
func defaultRetry() configretry.BackOffConfig {
	c := configretry.NewDefaultBackOffConfig()
	c.InitialInterval = 100 * time.Millisecond
	c.MaxInterval = 5 * time.Second
	c.MaxElapsedTime = time.Minute
	return c
}

func defaultTop() Top { return Top{Capacity: topn.DefaultCapacity, Series: 20} }

// report is what the sensor is to report.
func (e *Events) report(users names) sensor.Report {
	return sensor.Report{
		Classes:     e.Classes.wanted(),
		Rings:       [sensor.Priorities]uint32{uint32(e.Rings.High), uint32(e.Rings.Normal), uint32(e.Rings.Low)},
		FailedOpens: e.FailedOpens, MissingExecs: e.MissingExecs,
		Exclude: e.Exclude.options(users),
		Only:    e.Only.options(users),
	}
}

func (c Classes) wanted() [event.KernelClasses]bool {
	return [event.KernelClasses]bool{
		event.Exec: c.Exec, event.Exit: c.Exit, event.FileOpen: c.FileOpen,
		event.Connect: c.Connect, event.Accept: c.Accept, event.Close: c.Close, event.UDPSend: c.UDPSend,
		event.Privilege: c.Privilege, event.Module: c.Module, event.BPF: c.BPF,
		event.Ptrace: c.Ptrace, event.Namespace: c.Namespace, event.Mount: c.Mount,
	}
}

// noUser is the number that no user can have: (uid_t)-1.
const noUser = math.MaxUint32

// options are the filter in the sensor's words, but for the containers, which
// the kernel does not know.
func (f Filter) options(users names) sensor.Filter {
	var o sensor.Filter
	for _, p := range f.Executables {
		o.Executables = append(o.Executables, string(p))
	}
	for _, p := range f.Paths {
		o.Paths = append(o.Paths, string(p))
	}
	for _, u := range f.Users {
		id, ok := users.id(u)
		if !ok {
			id = noUser // or a list of unknown names would be none
		}
		o.Users = append(o.Users, id)
	}
	for _, p := range f.Peers {
		if prefix, err := p.prefix(); err == nil {
			o.Peers = append(o.Peers, prefix)
		}
	}
	return o
}

// prefix is the peer as a range of addresses.
func (p Peer) prefix() (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(string(p)); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(string(p))
	if err != nil {
		return netip.Prefix{}, err
	}
	addr = addr.Unmap()
	return addr.Prefix(addr.BitLen())
}
