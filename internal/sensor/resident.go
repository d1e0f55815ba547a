//go:build linux && (amd64 || arm64)

package sensor

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// releaseBinary takes the pages of the program's own file from the process: to
// start touches most of a collector's binary, and later little of it is used. What
// is used the kernel maps again. Mappings with pages that the process has
// changed, as a linker does, stay.
func releaseBinary() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	for _, m := range unchanged(smaps, exe) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("madvise: %w", errno)
		}
	}
	return nil
}

type mapping struct{ start, end uintptr }

// unchanged are the mappings of a file, as in /proc/PID/smaps (proc(5)), that
// cannot be written to and have no anonymous page.
func unchanged(smaps []byte, file string) (all []mapping) {
	var m mapping
	wanted := false
	for line := range bytes.Lines(smaps) {
		var mode, rest string
		var start, end uintptr
		if n, _ := fmt.Sscanf(string(line), "%x-%x %4s", &start, &end, &mode); n == 3 {
			m = mapping{start, end}
			wanted = mode[1] == '-' && bytes.HasSuffix(bytes.TrimRight(line, "\n"), []byte(" "+file))
		} else if n, _ := fmt.Sscanf(string(line), "Anonymous: %s kB", &rest); n == 1 && wanted && rest == "0" {
			all = append(all, m)
		}
	}
	return all
}
