package check

import (
	"context"
	"errors"
	"io/fs"
)

const metricSecureBoot = "linux.security.secure_boot_enabled"

// efiVars has a file for each variable of the firmware. These are of the
// namespace EFI_GLOBAL_VARIABLE of the UEFI specification.
const (
	efiVars   = "sys/firmware/efi/efivars"
	efiGlobal = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
)

func secureBoot() Check {
	return Check{
		ID:       "secure_boot",
		Category: Kernel,
		Reads:    "/sys/firmware/efi/efivars",
		Metrics:  []string{metricSecureBoot},
		Rules: []Rule{{
			"secure_boot.enabled", Medium, 2, "",
			"Who gets at the disk puts a boot loader or a kernel of their own in front of all other protection.",
			"Switch Secure Boot on in the firmware's settings.",
		}},
		Run: runSecureBoot,
	}
}

var errNotMounted = errors.New("the kernel's file system is not mounted")

// runSecureBoot says nothing of a machine without EFI. In setup mode anybody
// may write the keys, so nothing is secured.
func runSecureBoot(_ context.Context, h *Host, f *Findings) error {
	if _, err := h.Stat("sys/firmware/efi"); err != nil {
		if _, sys := h.Stat("sys/firmware"); sys != nil {
			return sys // without sysfs nothing is known
		}
		return ignoreAbsent(err)
	}
	variables, err := h.Dir(efiVars)
	if err != nil {
		return err
	}
	if len(variables) == 0 {
		return &fs.PathError{Op: "read", Path: efiVars, Err: errNotMounted}
	}
	boot, err1 := h.efiFlag("SecureBoot")
	setup, err2 := h.efiFlag("SetupMode")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	on := boot && !setup
	state := "off"
	switch {
	case on:
		state = "on"
	case boot:
		state = "in setup mode"
	}
	f.Point(metricSecureBoot, asNumber(on))
	f.Judge("secure_boot.enabled", on, state)
	return nil
}

// efiFlag reads a variable: four bytes of attributes, and one of value. That
// the firmware has none means no.
func (h *Host) efiFlag(name string) (bool, error) {
	file := efiVars + "/" + name + efiGlobal
	b, err := h.Head(file, 16)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case len(b) != 5:
		return false, &fs.PathError{Op: "read", Path: file, Err: errNotFlag}
	}
	return b[4] == 1, nil
}

var errNotFlag = errors.New("not a variable of one byte")
