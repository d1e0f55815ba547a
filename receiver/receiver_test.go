package receiver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

func TestSignalsOfOneConfigShareASensor(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut()}
	factory := newFactory(fake.open, nil)
	cfg := factory.CreateDefaultConfig()
	set := receivertest.NewNopSettings(metadata.Type)
	m, err := factory.CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	l, err := factory.CreateLogs(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.Empty(t, fake.opened, "the sensor opens at Start")

	host := componenttest.NewNopHost()
	require.NoError(t, m.Start(t.Context(), host))
	require.NoError(t, l.Start(t.Context(), host))
	require.Len(t, fake.opened, 1)
	want := cfg.(*Config).options()
	want.Report = cfg.(*Config).Events.report(nil)
	assert.Equal(t, want, fake.options[0])

	require.NoError(t, m.Shutdown(t.Context()))
	assert.Zero(t, fake.opened[0].closed, "the logs signal still uses the sensor")
	require.NoError(t, m.Shutdown(t.Context()), "a second Shutdown")
	assert.Zero(t, fake.opened[0].closed)
	require.NoError(t, l.Shutdown(t.Context()))
	require.NoError(t, l.Shutdown(t.Context()))
	assert.Equal(t, 1, fake.opened[0].closed)
}

func TestInstancesHaveTheirOwnSensors(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut()}
	factory := newFactory(fake.open, nil)
	set := receivertest.NewNopSettings(metadata.Type)
	var instances []receiver.Logs
	for range 2 {
		l, err := factory.CreateLogs(t.Context(), set, factory.CreateDefaultConfig(), consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
		instances = append(instances, l)
	}
	require.Len(t, fake.opened, 2)
	require.NoError(t, instances[0].Shutdown(t.Context()))
	assert.Equal(t, []int{1, 0}, []int{fake.opened[0].closed, fake.opened[1].closed})
	require.NoError(t, instances[1].Shutdown(t.Context()))
	assert.Equal(t, 1, fake.opened[1].closed)
}

func TestASignalThatNeverStartedDoesNotCloseTheSensor(t *testing.T) {
	fake := &fakeKernel{hooks: servedBut()}
	factory := newFactory(fake.open, nil)
	cfg := factory.CreateDefaultConfig()
	set := receivertest.NewNopSettings(metadata.Type)
	m, err := factory.CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	l, err := factory.CreateLogs(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, m.Shutdown(t.Context()))
	assert.Zero(t, fake.opened[0].closed)
	require.NoError(t, l.Shutdown(t.Context()))
	assert.Equal(t, 1, fake.opened[0].closed)
}

func TestReceiverOutlivesTheContextOfItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeKernel{hooks: servedBut()}
		sink := new(consumertest.MetricsSink)
		r := fake.metrics(t, newDefaultConfig(), sink)
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, r.Start(ctx, componenttest.NewNopHost()))
		cancel()
		assertScrapes := func(after time.Duration, n int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			assert.Len(t, sink.AllMetrics(), n)
		}
		assertScrapes(0, 0)
		assertScrapes(time.Second, 1)
		assertScrapes(9*time.Second, 1)
		assertScrapes(time.Second, 2)
		assertScrapes(time.Minute, 8)
		require.NoError(t, r.Shutdown(t.Context()))
		assertScrapes(time.Minute, 8)
		assert.Equal(t, 1, fake.opened[0].closed)
	})
}

func TestStatusTellsWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		hooks  []sensor.Hook
		want   componentstatus.Status
		reason string
	}{
		"all hooks are served": {"ebpfsecurity", servedBut(), componentstatus.StatusOK, ""},
		"one hook is not served": {
			"ebpfsecurity", servedBut("file.open"), componentstatus.StatusRecoverableError,
			"1 of 19 hooks are not served: file.open: load program: operation not permitted",
		},
		"no hook is served, and nobody knows why": {
			"ebpfsecurity",
			[]sensor.Hook{{Name: "a.b"}, {Name: "c.d"}},
			componentstatus.StatusRecoverableError,
			"2 of 2 hooks are not served: a.b: unknown; c.d: unknown",
		},
		"nothing is asked for": {"ebpfsecurity/nothing", nil, componentstatus.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fake, host := &fakeKernel{hooks: test.hooks}, newFakeHost()
			l, err := newFactory(fake.open, nil).CreateLogs(t.Context(), receivertest.NewNopSettings(metadata.Type),
				loadConfig(t, test.config), consumertest.NewNop())
			require.NoError(t, err)
			require.NoError(t, l.Start(t.Context(), host))
			require.NoError(t, l.Shutdown(t.Context()))
			require.Equal(t, []componentstatus.Status{test.want}, host.statuses())
			if test.reason != "" {
				require.EqualError(t, host.events[0].Err(), test.reason)
			}
		})
	}
}

func TestStatusFollowsTheCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, host := &fakeKernel{hooks: servedBut()}, newFakeHost()
		sink := new(consumertest.MetricsSink)
		r := fake.metrics(t, newDefaultConfig(), sink)
		require.NoError(t, r.Start(t.Context(), host))
		time.Sleep(5 * time.Second)
		fake.opened[0].set(sensor.Counts{}, errors.New("look up counters: bad file descriptor"))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		last := sink.AllMetrics()[len(sink.AllMetrics())-1]
		assert.Equal(t, map[string]int{
			"security.ebpf.up": 3, "security.ebpf.sample_rate": 1, "security.ebpf.hook.attached": 19,
		}, pointsPerMetric(last), "what is known without the counters")
		assert.Equal(t, int64(1), value(t, last, "security.ebpf.up", "degraded"))
		fake.opened[0].set(sensor.Counts{}, nil)
		time.Sleep(30 * time.Second)
		require.NoError(t, r.Shutdown(t.Context()))
		assert.Equal(t, []componentstatus.Status{
			componentstatus.StatusOK, componentstatus.StatusRecoverableError, componentstatus.StatusOK,
		}, host.statuses(), "once per change")
	})
}

func TestStartLogHasOneLinePerHook(t *testing.T) {
	core, logged := observer.New(zapcore.InfoLevel)
	logHooks(zap.New(core), []sensor.Hook{
		{Name: "process.exec", Program: "exec_tp"},
		{Name: "file.open", Program: "open_exit", SyscallTracepoints: true, Err: errors.New("fentry: not permitted")},
		{Name: "privilege.change", Program: "creds_exit", SyscallTracepoints: true},
		{Name: "network.tcp", Err: fmt.Errorf("load program: %w", os.ErrPermission)},
	})
	var lines []string
	for _, e := range logged.All() {
		lines = append(lines, fmt.Sprint(e.Level, " ", strings.SplitN(e.Message, ". ", 2)[0], " ", e.ContextMap()))
	}
	assert.Equal(t, []string{
		"info Hook process.exec is served map[hook:process.exec program:exec_tp]",
		"info Hook file.open is served map[fallback:true hook:file.open program:open_exit]",
		"info Hook privilege.change is served map[hook:privilege.change program:creds_exit]",
		"warn Hook network.tcp is not served map[cure:" + cure.Look().For(os.ErrPermission) + " hook:network.tcp reason:load program: permission denied]",
		"warn Programs under syscalls/ are in use map[hooks:[file.open privilege.change]]",
	}, lines)
	assert.Contains(t, logged.All()[4].Message, "syscall_tracepoints: never")
	assert.Contains(t, logged.All()[4].Message, "25 %")
}

func TestStartLogNamesTheCapabilitiesThatAreMissing(t *testing.T) {
	core, logged := observer.New(zapcore.InfoLevel)
	logLacks(zap.New(core), cure.Host{})
	assert.Zero(t, logged.Len())
	logLacks(zap.New(core), cure.Host{Lacks: []string{"CAP_SYS_PTRACE"}})
	require.Equal(t, 1, logged.Len())
	assert.Equal(t, map[string]any{"capabilities": []any{"CAP_SYS_PTRACE"}}, logged.All()[0].ContextMap())
}

func TestTheCollectorsSamplingDropsNoHook(t *testing.T) {
	core, logged := observer.New(zapcore.InfoLevel)
	logHooks(zap.New(zapcore.NewSamplerWithOptions(core, 10*time.Second, 10, 100)), servedBut())
	assert.Equal(t, len(hookNames()), logged.Len())
}
