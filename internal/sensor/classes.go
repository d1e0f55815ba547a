//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
)

// systemDirs hold the executables of the distribution.
var systemDirs = []string{"/bin", "/sbin", "/usr", "/lib", "/opt"}

// interpreters are suspicious when they talk to a socket. Their versions
// (python3.11) are cut off before they are compared.
var interpreters = []string{
	"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "rbash", "tcsh", "zsh",
	"awk", "expect", "gawk", "lua", "luajit", "mawk", "node", "nodejs", "perl", "php", "python", "ruby", "tclsh",
}

// fill puts the rules of classification into the kernel.
func fill(c *ebpf.Collection, o Options) error {
	var errs []error
	put := func(dir string, kind bpfDirKind) {
		if err := c.Maps[bpfMapExecDirs].Put(pathKey(strings.TrimSuffix(dir, "/")+"/"), kind); err != nil {
			errs = append(errs, fmt.Errorf("class of %s: %w", dir, err))
		}
	}
	for _, dir := range systemDirs {
		put(dir, bpfDirKindDIR_SYSTEM)
	}
	for _, dir := range o.WorldWritableDirs {
		put(dir, bpfDirKindDIR_WORLD_WRITABLE)
	}
	for _, name := range interpreters {
		var key bpfName
		copy(key.Text[:], name)
		if err := c.Maps[bpfMapInterpreters].Put(key, uint32(1)); err != nil {
			errs = append(errs, fmt.Errorf("interpreter %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
