package check

import (
	"context"
	"strconv"
	"strings"
)

const (
	metricTainted   = "linux.security.kernel_tainted"
	metricTaintFlag = "linux.security.kernel_taint_flag"
)

// taintFlags are the bits of the kernel's Documentation/admin-guide/tainted-kernels.
var taintFlags = [...]struct{ letter, name string }{
	{"P", "proprietary_module"},
	{"F", "forced_module"},
	{"S", "out_of_specification"},
	{"R", "forced_unload"},
	{"M", "machine_check"},
	{"B", "bad_page"},
	{"U", "user"},
	{"D", "died"},
	{"A", "acpi_overridden"},
	{"W", "warning"},
	{"C", "staging_driver"},
	{"I", "firmware_workaround"},
	{"O", "out_of_tree_module"},
	{"E", "unsigned_module"},
	{"L", "soft_lockup"},
	{"K", "live_patch"},
	{"X", "auxiliary"},
	{"T", "struct_randomization"},
	{"N", "test"},
	{"J", "fwctl_debug"},
}

func taint() Check {
	return Check{
		ID:       "kernel_taint",
		Category: Kernel,
		Reads:    "/proc/sys/kernel/tainted",
		Metrics:  []string{metricTainted, metricTaintFlag},
		Rules: []Rule{{
			"kernel_taint.modules", High, 1, "",
			"A module was loaded by force or without a signature, as a rootkit's is.",
			"Find it with grep '(.*[FER].*)' /proc/modules, and reboot without it.",
		}},
		Run: runTaint,
	}
}

func runTaint(_ context.Context, h *Host, f *Findings) error {
	line, err := h.Line("proc/sys/kernel/tainted")
	if err != nil {
		return err
	}
	mask, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		return err
	}
	f.Point(metricTainted, float64(mask))
	letters := ""
	for bit := range 64 {
		if mask&(1<<bit) == 0 {
			continue
		}
		letter, name := taintFlag(bit)
		letters += letter
		f.Point(metricTaintFlag, 1, "letter", letter, "flag", name)
	}
	f.Judge("kernel_taint.modules", !strings.ContainsAny(letters, "FER"), strings.TrimSpace(line+" "+letters))
	return nil
}

// taintFlag names a bit, also one of a kernel that is newer than the table.
func taintFlag(bit int) (letter, name string) {
	if bit < len(taintFlags) {
		return taintFlags[bit].letter, taintFlags[bit].name
	}
	return "#", "bit_" + strconv.Itoa(bit)
}
