package check

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

const (
	metricLSM      = "linux.security.lsm_active"
	metricLockdown = "linux.security.kernel_lockdown"
	securityFS     = "sys/kernel/security"
)

func lsms() Check {
	return Check{
		ID:       "lsm",
		Category: MAC,
		Reads:    "/sys/kernel/security/lsm",
		Metrics:  []string{metricLSM},
		Rules: []Rule{{
			"lsm.mandatory", High, 1, "",
			"Without mandatory access control, a service that was taken over has all the rights of its user.",
			"Boot with security=apparmor or security=selinux, and install its policy.",
		}},
		Run: runLSM,
	}
}

func runLSM(_ context.Context, h *Host, f *Findings) error {
	active, err := h.activeLSMs()
	if err != nil || active == nil {
		return err
	}
	for _, name := range active {
		f.Point(metricLSM, 1, "lsm", name)
	}
	mandatory := slices.ContainsFunc([]string{"apparmor", "selinux", "smack", "tomoyo"}, func(name string) bool {
		return slices.Contains(active, name)
	})
	f.Judge("lsm.mandatory", mandatory, strings.Join(active, ","))
	return nil
}

// activeLSMs are the kernel's security modules, in the order in which they are
// asked; nil for a kernel without them.
func (h *Host) activeLSMs() ([]string, error) {
	line, err := h.Line(securityFS + "/lsm")
	if err == nil {
		return append([]string{}, words(line)...), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	switch _, err := h.Stat(securityFS); {
	case err == nil:
		return nil, &fs.PathError{Op: "read", Path: securityFS, Err: errNotMounted}
	case errors.Is(err, fs.ErrNotExist):
		_, err = h.Stat("sys/kernel") // without sysfs nothing is known
		return nil, err
	default:
		return nil, err
	}
}

func lockdown() Check {
	return Check{
		ID:       "lockdown",
		Category: Kernel,
		Reads:    "/sys/kernel/security/lockdown",
		Metrics:  []string{metricLockdown},
		Rules: []Rule{{
			"lockdown.enabled", Medium, 2, "",
			"Root changes the running kernel: through /dev/mem, kprobes, unsigned modules, kexec.",
			"Boot with lockdown=integrity, or with Secure Boot where the distribution ties lockdown to it.",
		}},
		Run: runLockdown,
	}
}

func runLockdown(_ context.Context, h *Host, f *Findings) error {
	mode, err := h.lockdownMode()
	if err != nil || mode == "" {
		return err
	}
	f.Point(metricLockdown, asNumber(mode != "none"), "mode", mode)
	f.Judge("lockdown.enabled", mode != "none", mode)
	return nil
}

var errNoChoice = errors.New("it has no word in brackets")

// lockdownMode is "" for a kernel that cannot be locked down.
func (h *Host) lockdownMode() (string, error) {
	line, err := h.Line(securityFS + "/lockdown")
	if err == nil {
		if parseChoice(line) == "" {
			err = &fs.PathError{Op: "read", Path: securityFS + "/lockdown", Err: errNoChoice}
		}
		return parseChoice(line), err
	}
	if errors.Is(err, fs.ErrNotExist) {
		_, err = h.activeLSMs()
	}
	return "", err
}

// parseChoice returns the word in brackets, as the kernel shows a choice.
func parseChoice(line string) string {
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") && len(word) > 2 {
			return word[1 : len(word)-1]
		}
	}
	return ""
}
