package receiver

import (
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/cure"
	"github.com/ebpfsecurity/ebpfsecurityreceiver/internal/sensor"
)

type hooks []sensor.Hook

// serve says whether every hook of these names is served.
func (h hooks) serve(names ...string) bool {
	for _, name := range names {
		if !h.servesOne(name) {
			return false
		}
	}
	return true
}

func (h hooks) servesOne(name string) bool {
	for i := range h {
		if h[i].Name == name {
			return h[i].Program != ""
		}
	}
	return false
}

// successesOnly says whether what serves the hook does not see failures.
func (h hooks) successesOnly(name string) bool {
	for i := range h {
		if h[i].Name == name {
			return h[i].SuccessesOnly
		}
	}
	return false
}

// unserved are the hooks that no program serves.
func (h hooks) unserved() hooks {
	var list hooks
	for _, hook := range h {
		if hook.Program == "" {
			list = append(list, hook)
		}
	}
	return list
}

// degradation is the reasons why hooks are not served, nil if all are.
func (h hooks) degradation() error {
	if len(h) == 0 {
		return errors.New("there are no hooks")
	}
	unserved := h.unserved()
	if len(unserved) == 0 {
		return nil
	}
	reasons := make([]string, len(unserved))
	for i, hook := range unserved {
		reasons[i] = hook.Name + ": " + cure.Line(hook.Err)
	}
	return fmt.Errorf("%d of %d hooks are not served: %s", len(unserved), len(h), strings.Join(reasons, "; "))
}

// logLacks says once which capabilities are missing.
func logLacks(logger *zap.Logger, here cure.Host) {
	if here.Lacks != nil {
		logger.Warn("Capabilities are missing, without which not all can be watched and checked", zap.Strings("capabilities", here.Lacks))
	}
}

// logHooks says once what came of each hook.
func logHooks(logger *zap.Logger, list []sensor.Hook) {
	var taxing []string
	here := cure.Look()
	for _, hook := range list {
		logHook(logger.With(zap.String("hook", hook.Name)), hook, here)
		if hook.SyscallTracepoints {
			taxing = append(taxing, hook.Name)
		}
	}
	if taxing != nil {
		logger.Warn("Programs under syscalls/ are in use. They slow every syscall of every process on the host "+
			"by about 25 % (getppid takes 147 ns instead of 117 ns). "+
			`With "syscall_tracepoints: never" they are not used, and these hooks not served`,
			zap.Strings("hooks", taxing))
	}
}

// logHook has the hook's name in the message because the collector samples its
// log by message: after ten equal ones it drops the rest. It writes the text
// of errors only: some carry the verifier's whole log, which zap.Error would add.
func logHook(logger *zap.Logger, hook sensor.Hook, here cure.Host) {
	switch {
	case hook.Program == "":
		logger.Warn("Hook "+hook.Name+" is not served", zap.Stringer("reason", reason{hook.Err}), zap.String("cure", here.For(hook.Err)))
	case hook.Err != nil:
		logger.Info("Hook "+hook.Name+" is served", zap.String("program", hook.Program), zap.Bool("fallback", true))
		logger.Debug("Better programs could not serve hook "+hook.Name, zap.Stringer("reason", reason{hook.Err}))
	default:
		logger.Info("Hook "+hook.Name+" is served", zap.String("program", hook.Program))
	}
}

// A reason is an error as text of one line; nil is an unknown one.
type reason struct{ error }

func (r reason) String() string { return cure.Line(r.error) }
