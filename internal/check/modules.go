package check

import (
	"context"
	"errors"
	"io/fs"
)

const metricModuleSignature = "linux.security.module_signature_enforced"

func moduleSignature() Check {
	return Check{
		ID:       "module_signature",
		Category: Kernel,
		Reads:    "/sys/module/module/parameters/sig_enforce, /sys/kernel/security/lockdown, /proc/modules",
		Metrics:  []string{metricModuleSignature},
		Rules: []Rule{{
			"module_signature.enforced", Medium, 2, "",
			"A rootkit is a kernel module, and root may load any.",
			"Boot with module.sig_enforce=1, or lockdown=integrity.",
		}},
		Run: runModuleSignature,
	}
}

// runModuleSignature says nothing of a kernel without modules. A kernel that is
// locked down wants signatures whatever the parameter says.
func runModuleSignature(_ context.Context, h *Host, f *Findings) error {
	if _, err := h.Stat("proc/modules"); err != nil {
		if _, proc := h.Stat("proc/sys"); proc != nil {
			return proc // without /proc nothing is known
		}
		return ignoreAbsent(err)
	}
	parameter, err := h.Line("sys/module/module/parameters/sig_enforce")
	state := "sig_enforce=" + parameter
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = h.Stat("sys/module"); err == nil {
			state = "the kernel knows no signatures"
		}
	}
	mode, lockErr := h.lockdownMode()
	enforced := parameter == "Y"
	if !enforced && mode != "" && mode != "none" {
		enforced, state = true, "lockdown="+mode
	}
	f.Problem(errors.Join(err, lockErr))
	if !enforced && (err != nil || lockErr != nil) {
		return nil
	}
	f.Point(metricModuleSignature, asNumber(enforced))
	f.Judge("module_signature.enforced", enforced, state)
	return nil
}
