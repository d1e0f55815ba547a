package receiver

import (
	"strconv"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/check"
)

// Checks say how the host's configuration is looked at.
type Checks struct {
	// Enabled is whether the host is looked at.
	Enabled bool `mapstructure:"enabled"`
	// Interval is the time between two looks.
	Interval CheckInterval `mapstructure:"interval"`
	// SlowInterval is the time between two runs of checks that take long, such as the walk for set-uid files.
	SlowInterval CheckInterval `mapstructure:"slow_interval"`
	// Profile says which rules are judged: those of level 1, those of both levels, or the
	// critical and high ones of level 1.
	Profile Profile `mapstructure:"profile"`
	// Disable names checks, categories and rules that are left out.
	Disable []string `mapstructure:"disable"`
	// Enable names those that are judged whatever the profile says.
	Enable []string `mapstructure:"enable"`
	// Severities are severities of rules, by their names, in place of their own.
	Severities map[string]CheckSeverity `mapstructure:"severities"`
	// Sysctl adds expectations of kernel parameters, by their names, or replaces those of the
	// table: a value, values with commas between, or >=N. Empty expects nothing.
	Sysctl map[string]string `mapstructure:"sysctl"`
	// CrontabCommands shows commands of crontabs as they are instead of a hash. They may hold
	// secrets.
	CrontabCommands bool `mapstructure:"crontab_commands"`
	// Limit is how many data points a check may have.
	Limit CheckLimit `mapstructure:"limit"`
}

// Unmarshal lets expected numbers be written without quotes.
func (c *Checks) Unmarshal(conf *confmap.Conf) error {
	given, ok := conf.Get("sysctl").(map[string]any)
	if !ok {
		return conf.Unmarshal(c)
	}
	texts := make(map[string]any, len(given))
	for param, v := range given {
		texts[param] = v
		if n, ok := v.(int); ok {
			texts[param] = strconv.Itoa(n)
		}
	}
	if err := conf.Merge(confmap.NewFromStringMap(map[string]any{"sysctl": texts})); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

func defaultChecks() Checks {
	o := check.DefaultOptions()
	return Checks{
		Enabled:  true,
		Interval: CheckInterval(o.Interval), SlowInterval: CheckInterval(o.SlowInterval),
		Profile: Profile(o.Profile), Limit: CheckLimit(o.Limit),
	}
}

// options are the config in the words of the checks.
func (c *Checks) options() check.Options {
	o := check.Options{
		Interval: time.Duration(c.Interval), SlowInterval: time.Duration(c.SlowInterval),
		Profile: check.Profile(c.Profile), Disabled: c.Disable, Enabled: c.Enable,
		Severities:      make(map[string]check.Severity),
		Sysctl:          c.Sysctl,
		CrontabCommands: c.CrontabCommands,
		Limit:           int(c.Limit),
	}
	for rule, severity := range c.Severities {
		o.Severities[rule] = check.Severity(severity)
	}
	return o
}
