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
	// Exclude and Only keep events out: those that a list of Exclude names, and
	// those that a list of Only, if it has entries, does not.
	Exclude Filter `mapstructure:"exclude"`
	Only    Filter `mapstructure:"only"`
	// ArgsMaxBytes is how much of the arguments of a program is reported.
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
	Exec      bool `mapstructure:"exec"`
	Exit      bool `mapstructure:"exit"`
	FileOpen  bool `mapstructure:"file_open"`
	Connect   bool `mapstructure:"connect"`
	Accept    bool `mapstructure:"accept"`
	Close     bool `mapstructure:"close"`
	UDPSend   bool `mapstructure:"udp_send"`
	Privilege bool `mapstructure:"privilege"`
	Module    bool `mapstructure:"module"`
	BPF       bool `mapstructure:"bpf"`
	Ptrace    bool `mapstructure:"ptrace"`
	Namespace bool `mapstructure:"namespace"`
	Mount     bool `mapstructure:"mount"`
	Config    bool `mapstructure:"config"`
}

// A Filter names events by what they are about.
type Filter struct {
	Executables []FilePath  `mapstructure:"executables"`
	Paths       []FilePath  `mapstructure:"paths"` // of opened files
	Users       []User      `mapstructure:"users"`
	Containers  []Container `mapstructure:"containers"`
	Peers       []Peer      `mapstructure:"peers"`
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
	High   RingSize `mapstructure:"high"`
	Normal RingSize `mapstructure:"normal"`
	Low    RingSize `mapstructure:"low"`
}

// Sampling bounds how many events of a class are reported.
type Sampling struct {
	// EventsPerSecond is how many of a class may pass on average, 0 for all.
	EventsPerSecond Amount     `mapstructure:"events_per_second"`
	Interval        Interval   `mapstructure:"interval"`
	MaxRate         SampleRate `mapstructure:"max_rate"`
}

// Batch says when a batch of records is full.
type Batch struct {
	MaxRecords Positive  `mapstructure:"max_records"`
	MaxBytes   BatchSize `mapstructure:"max_bytes"`
	MaxAge     Interval  `mapstructure:"max_age"`
}

// Queue says how many batches may wait for the pipeline, and how large they may
// be together: small ones for a pipeline that pauses, large ones for memory.
type Queue struct {
	Batches  Positive  `mapstructure:"batches"`
	MaxBytes QueueSize `mapstructure:"max_bytes"`
}

// Top bounds the metric security.ebpf.top.
type Top struct {
	// Capacity is how many keys of a kind are counted, Series how many are shown.
	Capacity Positive `mapstructure:"capacity"`
	Series   Series   `mapstructure:"series"`
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
