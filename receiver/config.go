package receiver

import (
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/scraper/scraperhelper"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// Config is what users write under the receiver's name.
type Config struct {
	Controller scraperhelper.ControllerConfig `mapstructure:",squash"`
	Builder    metadata.MetricsBuilderConfig  `mapstructure:",squash"`

	Probes  Probes  `mapstructure:"probes"`
	Process Process `mapstructure:"process"`
	File    File    `mapstructure:"file"`
	Events  Events  `mapstructure:"events"`
	Checks  Checks  `mapstructure:"checks"`
	Top     Top     `mapstructure:"top"`

	// RootPath is where the host's root directory is mounted.
	RootPath Path `mapstructure:"root_path"`
	// SyscallTracepoints says whether programs may be used that slow every syscall of the host:
	// where nothing cheaper serves a hook, or never, so that the hook is not served.
	SyscallTracepoints SyscallTracepoints `mapstructure:"syscall_tracepoints"`
	// BTFPath is a file with the kernel's type information, for kernels built without; empty is
	// the running kernel's own.
	BTFPath OptionalPath `mapstructure:"btf_path"`
}

// Probes say which kinds of activity are watched.
type Probes struct {
	// Process is programs run, processes ended, and processes that run.
	Process Probe `mapstructure:"process"`
	// Network is TCP and UDP connections.
	Network Probe `mapstructure:"network"`
	// File is opens of watched files, and mounts.
	File Probe `mapstructure:"file"`
	// Privilege is rights gained.
	Privilege Probe `mapstructure:"privilege"`
	// Kernel is kernel modules and BPF programs.
	Kernel Probe `mapstructure:"kernel"`
}

// A Probe is one kind of activity.
type Probe struct {
	// Enabled is whether it is watched.
	Enabled bool `mapstructure:"enabled"`
}

// Process says how processes are classified.
type Process struct {
	// WorldWritableDirs are directories below which each executable is suspicious.
	WorldWritableDirs []Directory `mapstructure:"world_writable_dirs"`
}

// File says which files are watched.
type File struct {
	// Watch is the list of watched files. It replaces the default one.
	Watch WatchList `mapstructure:"watch"`
}

// A WatchList are the watched files.
type WatchList []Watch

// A Watch names files and says what opening them is worth.
type Watch struct {
	// Path is which file, or which files.
	Path WatchPath `mapstructure:"path"`
	// Severity is how much it matters.
	Severity Severity `mapstructure:"severity"`
	// Operation is what the file is opened for. Empty is any. An entry for read or write wins
	// over one for any of the same path.
	Operation Operation `mapstructure:"operation"`
}

func newDefaultConfig() component.Config {
	controller := scraperhelper.NewDefaultControllerConfig()
	controller.CollectionInterval = 10 * time.Second
	return &Config{
		Controller: controller,
		Builder:    metadata.NewDefaultMetricsBuilderConfig(),
		Probes: Probes{
			Process:   Probe{Enabled: true},
			Network:   Probe{Enabled: true},
			File:      Probe{Enabled: true},
			Privilege: Probe{Enabled: true},
			Kernel:    Probe{Enabled: true},
		},
		Process:            Process{WorldWritableDirs: []Directory{"/tmp", "/dev/shm", "/var/tmp"}},
		File:               File{Watch: defaultWatchList()},
		Events:             defaultEvents(),
		Checks:             defaultChecks(),
		Top:                defaultTop(),
		RootPath:           "/",
		SyscallTracepoints: auto,
	}
}

// any says whether there is something to watch at all.
func (p Probes) any() bool { return p != Probes{} }

// options are the config in the sensor's words.
func (c *Config) options() sensor.Options {
	o := sensor.Options{
		Process:            c.Probes.Process.Enabled,
		Network:            c.Probes.Network.Enabled,
		File:               c.Probes.File.Enabled,
		Privilege:          c.Probes.Privilege.Enabled,
		Kernel:             c.Probes.Kernel.Enabled,
		Watch:              c.File.Watch.options(),
		RootPath:           string(c.RootPath),
		SyscallTracepoints: c.SyscallTracepoints == auto,
		BTF:                string(c.BTFPath),
	}
	for _, dir := range c.Process.WorldWritableDirs {
		o.WorldWritableDirs = append(o.WorldWritableDirs, string(dir))
	}
	return o
}

// options are the entries in the sensor's words, no two of which are about
// the same operation on the same path: an entry for one operation wins over
// one for any.
func (l WatchList) options() []sensor.Watch {
	named := make(map[Watch]bool)
	for _, w := range l {
		named[Watch{Path: w.Path, Operation: w.Operation}] = true
	}
	var list []sensor.Watch
	for _, w := range l {
		s := sensor.Watch{
			Path:     string(w.Path),
			Severity: w.Severity.level(),
			Read:     w.Operation == read || w.Operation.isAny() && !named[Watch{Path: w.Path, Operation: read}],
			Write:    w.Operation == write || w.Operation.isAny() && !named[Watch{Path: w.Path, Operation: write}],
		}
		if s.Read || s.Write {
			list = append(list, s)
		}
	}
	return list
}

// level is the severity in the sensor's words.
func (s Severity) level() event.Severity {
	for level := range event.Severities {
		if string(s) == level.String() {
			return level
		}
	}
	return event.Info // Validate has refused all other words
}
