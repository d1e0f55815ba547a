package receiver

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/event"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

func loadConfig(t *testing.T, id string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub(id)
	require.NoError(t, err)
	cfg := newDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	return cfg
}

func TestConfigStructIsSound(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(newDefaultConfig()))
}

func TestEmptyConfigIsTheDefault(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity")
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, component.Config(cfg), newDefaultConfig())
	assert.Equal(t, 10*time.Second, cfg.Controller.CollectionInterval)

	o := cfg.options()
	assert.True(t, o.Process && o.Network && o.File && o.Privilege && o.Kernel && o.SyscallTracepoints)
	assert.Equal(t, "/", o.RootPath)
	assert.Empty(t, o.BTF)
	assert.Equal(t, []string{"/tmp", "/dev/shm", "/var/tmp"}, o.WorldWritableDirs)
	assert.Len(t, o.Watch, len(defaultWatchList()))
	for path, want := range map[string][]sensor.Watch{
		"/etc/shadow": {{Path: "/etc/shadow", Severity: event.Critical, Read: true, Write: true}},
		"/etc/passwd": {
			{Path: "/etc/passwd", Severity: event.Critical, Write: true},
			{Path: "/etc/passwd", Severity: event.Info, Read: true},
		},
		"/etc/sudoers.d/": {{Path: "/etc/sudoers.d/", Severity: event.Warning, Write: true}},
		"/etc/hosts":      {{Path: "/etc/hosts", Severity: event.Info, Read: true, Write: true}},
	} {
		var got []sensor.Watch
		for _, w := range o.Watch {
			if w.Path == path {
				got = append(got, w)
			}
		}
		assert.Equal(t, want, got)
	}
}

func TestEveryKeyReachesTheSensor(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/custom")
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, 30*time.Second, cfg.Controller.CollectionInterval)
	assert.Equal(t, 2*time.Second, cfg.Controller.InitialDelay)
	assert.Equal(t, 5*time.Second, cfg.Controller.Timeout)
	assert.False(t, cfg.Builder.Metrics.SecurityEbpfEvents.Enabled)
	assert.True(t, cfg.Builder.Metrics.SecurityEbpfUp.Enabled)
	assert.Equal(t, sensor.Options{
		Process: true,
		File:    true,
		Watch: []sensor.Watch{
			{Path: "/etc/shadow", Severity: event.Critical, Read: true, Write: true},
			{Path: "/etc/ssl/private/", Severity: event.Warning, Read: true},
			{Path: "~/.aws/credentials", Severity: event.Critical, Read: true, Write: true},
		},
		WorldWritableDirs: []string{"/tmp", "/srv/drop"},
		RootPath:          "/hostfs",
		BTF:               "/var/lib/btf/vmlinux",
	}, cfg.options())
}

func TestEverythingCanBeSwitchedOff(t *testing.T) {
	cfg := loadConfig(t, "ebpfsecurity/nothing")
	require.NoError(t, confmap.Validate(cfg))
	assert.False(t, cfg.Probes.any())
	assert.Equal(t, sensor.Options{RootPath: "/", SyscallTracepoints: true}, cfg.options())
}

func TestAllMistakesAreReportedAtOnceWithTheirPath(t *testing.T) {
	err := confmap.Validate(loadConfig(t, "ebpfsecurity/mistakes"))
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`controller: "collection_interval": requires positive value`,
		`process::world_writable_dirs::1: "tmp" must be absolute`,
		`process::world_writable_dirs::2: "/" would make every executable suspicious`,
		`file::watch: entries 5 and 6 are both for "/etc/hosts" and operation "any"`,
		`file::watch::0::path: "etc/shadow" must be absolute`,
		`file::watch::1::path: "/etc/../etc/shadow" must be written as "/etc/shadow"`,
		`file::watch::1::severity: must be info, warning or critical, not "fatal"`,
		`file::watch::2::path: "/etc//passwd" must be written as "/etc/passwd"`,
		`file::watch::2::operation: must be read, write or any, not "execute"`,
		`file::watch::3::path: "~/authorized_keys" must have exactly two names after "~/"`,
		`file::watch::4::path: "~/.ssh/../authorized_keys" must have exactly two names after "~/"`,
		`file::watch::7::path: must not be empty`,
		`file::watch::8::path: "/etc/\x00" contains a NUL byte`,
		`file::watch::9::path: "/etc/pam.d//" must be written as "/etc/pam.d/"`,
		`root_path: "hostfs" must be absolute`,
		`syscall_tracepoints: must be auto or never, not "always"`,
		`btf_path: "./vmlinux" must be absolute`,
	}, "\n"), err.Error())
}

func TestUnknownKeysAreRefused(t *testing.T) {
	err := confmap.NewFromStringMap(map[string]any{"probes": map[string]any{"disk": nil}}).
		Unmarshal(newDefaultConfig())
	require.ErrorContains(t, err, "disk")
}

func TestWatchPaths(t *testing.T) {
	name := strings.Repeat("n", 100)
	for _, good := range []WatchPath{
		"/", "/etc/shadow", "/etc/", "/with space/ümläut", "~/.ssh/authorized_keys",
		WatchPath("/" + name + "/" + name + "/" + name[:52]),
		WatchPath("/" + name + "/" + name + "/" + name[:51] + "/"),
	} {
		assert.NoError(t, good.Validate(), good)
	}
	for _, bad := range []WatchPath{
		"", "//", "etc", "~", "~/", "~/a", "~/a/", "~/a/b/", "~/a/b/c", "~//b", "~/./b", "~/a/..", "~root/a/b",
		"/etc/.", "/etc/./", "/..", "/a/../b", "/etc//", "/a\x00b", "~/a\x00/b",
		WatchPath("/" + name + "/" + name + "/" + name[:53]),
		WatchPath("/" + name + "/" + name + "/" + name[:52] + "/"),
		WatchPath("~/" + name + name + "/" + name),
	} {
		assert.Error(t, bad.Validate(), bad)
	}
}

func FuzzWatchPath(f *testing.F) {
	f.Add("/etc/shadow")
	f.Add("~/.ssh/authorized_keys")
	f.Fuzz(func(t *testing.T, text string) {
		if WatchPath(text).Validate() != nil {
			return
		}
		assert.LessOrEqual(t, len(text), maxPath+1)
		assert.NotContains(t, text, "\x00")
		assert.NotContains(t, text, "//")
		assert.NotContains(t, text+"/", "/../")
		assert.Contains(t, "/~", text[:1])
	})
}

func TestOneOperationWinsOverAny(t *testing.T) {
	list := WatchList{
		{Path: "/a", Severity: info, Operation: anyOperation},
		{Path: "/a", Severity: critical, Operation: write},
		{Path: "/b", Severity: info},
		{Path: "/b", Severity: warning, Operation: read},
		{Path: "/b", Severity: critical, Operation: write},
	}
	require.NoError(t, list.Validate())
	assert.Equal(t, []sensor.Watch{
		{Path: "/a", Severity: event.Info, Read: true},
		{Path: "/a", Severity: event.Critical, Write: true},
		{Path: "/b", Severity: event.Warning, Read: true},
		{Path: "/b", Severity: event.Critical, Write: true},
	}, list.options())
}
