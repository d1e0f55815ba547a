package receiver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

func text(v any) string { return fmt.Sprint(v) }

// onlyTrue checks that no class but those is wanted.
func onlyTrue(wanted [event.KernelClasses]bool, classes ...event.Class) [event.KernelClasses]bool {
	for _, c := range classes {
		if !wanted[c] {
			return [event.KernelClasses]bool{}
		}
	}
	return wanted
}

func TestDefaultEvents(t *testing.T) {
	report := newDefaultConfig().(*Config).Events.report(nil)
	for c := range event.KernelClasses {
		assert.Equal(t, c != event.Exit && c != event.Close, report.Classes[c], c)
	}
	assert.Equal(t, [sensor.Priorities]uint32{1 << 20, 4 << 20, 4 << 20}, report.Rings)
	assert.Zero(t, report.Exclude)
	assert.Zero(t, report.Only)
}

func TestEveryKeyOfEventsIsRead(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/events")
	require.NoError(t, confmap.Validate(cfg))
	e := cfg.Events
	assert.Equal(t, ArgsSize(100), e.ArgsMaxBytes)
	assert.Equal(t, Depth(0), e.Ancestors)
	assert.Equal(t, Sampling{Interval: Interval(time.Second), MaxRate: 100}, e.Sampling)
	assert.Equal(t, Batch{10, 1 << 20, Interval(100 * time.Millisecond)}, e.Batch)
	assert.Equal(t, Queue{1, 8 << 20}, e.Queue)
	assert.False(t, e.Retry.Enabled)
	assert.Equal(t, Top{10, 5}, cfg.Top)
}

func TestAConfigReadsWhatItWrites(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/events")
	conf := confmap.New()
	require.NoError(t, conf.Marshal(cfg))
	again := newDefaultConfig()
	require.NoError(t, conf.Unmarshal(again))
	assert.Equal(t, cfg.Events, again.(*Config).Events)
	assert.Equal(t, cfg.Top, again.(*Config).Top)
}

func TestMistakesInEventsAreReportedAtOnceWithTheirPath(t *testing.T) {
	err := confmap.Validate(loadConfig(t, "ebpfsecurity/event_mistakes"))
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`events::exclude::executables::0: "bin/sh" must be absolute`,
		`events::exclude::paths::0: "/a//b" must be written as "/a/b"`,
		`events::exclude::users::0: "a:b" is neither the name nor the number of a user`,
		`events::exclude::users::1: "4294967296" is no number of a user`,
		`events::exclude::containers::0: must be host, or 12 to 64 hexadecimal digits in lower case, not "docker"`,
		`events::exclude::containers::1: must be host, or 12 to 64 hexadecimal digits in lower case, not "ABCDEFABCDEF"`,
		`events::exclude::peers::0: "example.com" is neither an address nor a range such as 10.0.0.0/8`,
		`events::exclude::peers::1: "10.0.0.0/33" is neither an address nor a range such as 10.0.0.0/8`,
		`events::args_max_bytes: must be from 0 to 32767, not 40000`,
		`events::ancestors: must be from 0 to 16, not 100`,
		`events::rings::high: must be a power of two from 4KiB to 1024MiB, not 1000`,
		`events::rings::normal: must be a power of two from 4KiB to 1024MiB, not 3MiB`,
		`events::sampling::events_per_second: must not be negative, but is -1`,
		`events::sampling::interval: must be from 10ms to 1h0m0s, not 0s`,
		`events::sampling::max_rate: must be from 1 to 10000, not 0`,
		`events::batch::max_records: must be from 1 to 1000000, not 0`,
		`events::batch::max_bytes: must be from 64KiB to 4MiB, not 5MiB`,
		`events::batch::max_age: must be from 10ms to 1h0m0s, not 2h0m0s`,
		`events::queue::batches: must be from 1 to 1000000, not 0`,
		`events::queue::max_bytes: must be from 8MiB to 1024MiB, not 1MiB`,
		`events::retry: 'initial_interval' must be non-negative`,
		`top::capacity: must be from 1 to 1000000, not 0`,
		`top::series: must be from 1 to 100, not 101`,
	}, "\n"), err.Error())
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "4096": 4096, "4KiB": 4096, "1 MiB": 1 << 20, "1025MiB": 1025 << 20} {
		var s Size
		require.NoError(t, s.UnmarshalText([]byte(text)), text)
		assert.Equal(t, want, s)
		var again Size
		require.NoError(t, again.UnmarshalText([]byte(s.String())))
		assert.Equal(t, s, again)
	}
	for _, bad := range []string{"", "MiB", "-1", "1GiB", "1.5MiB", "1MB", "99999999999MiB"} {
		assert.Error(t, new(Size).UnmarshalText([]byte(bad)), bad)
	}
}

func TestUsersAreReadFromTheHost(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/passwd"),
		[]byte("root:x:0:0::/:/bin/sh\n\nbroken\nalice:x:1000:\nbad:x:-1:\n"), 0o600))
	core, logged := observer.New(zapcore.WarnLevel)
	cfg := &Config{RootPath: Path(root)}
	assert.Nil(t, cfg.users(zap.New(core)), "nobody asks")
	cfg.Events.Exclude.Users = []User{"7", "alice"}
	cfg.Events.Only.Users = []User{"root", "bad", "mallory"}
	assert.Equal(t, names{"root": 0, "alice": 1000}, cfg.users(zap.New(core)))
	var unknown []string
	for _, e := range logged.All() {
		unknown = append(unknown, e.ContextMap()["user"].(string))
	}
	assert.Equal(t, []string{"bad", "mallory"}, unknown)
}

func TestContainersAreFiltered(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct {
		exclude, only []Container
		id            string
		want          bool
	}{
		{nil, nil, "", true},
		{nil, nil, id, true},
		{[]Container{"host"}, nil, "", false},
		{[]Container{"host"}, nil, id, true},
		{nil, []Container{"host"}, "", true},
		{nil, []Container{"host"}, id, false},
		{[]Container{"0123456789ab"}, nil, id, false},
		{[]Container{"0123456789ac"}, nil, id, true},
		{nil, []Container{"0123456789ab"}, id, true},
		{nil, []Container{"0123456789ab"}, "", false},
		{[]Container{"0123456789ab"}, []Container{"0123456789ab"}, id, false},
	} {
		assert.Equal(t, test.want, containerFilter{test.exclude, test.only}.pass(test.id), "%v", test)
	}
}
