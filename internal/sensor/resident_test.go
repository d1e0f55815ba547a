//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"
	"slices"
	"testing"
)

const smaps = `00400000-0449c000 r-xp 00000000 fe:00 42    /usr/bin/otelcol-ebpfsecurity
Size:              65904 kB
Anonymous:             0 kB
0449d000-08612000 r--p 0409d000 fe:00 42    /usr/bin/otelcol-ebpfsecurity
Anonymous:             4 kB
08612000-08800000 r--p 08212000 fe:00 42    /usr/bin/otelcol-ebpfsecurity
AnonHugePages:        12 kB
Anonymous:             0 kB
08800000-08a00000 rw-p 08400000 fe:00 42    /usr/bin/otelcol-ebpfsecurity
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 43    /usr/lib/otelcol-ebpfsecurity
Anonymous:             0 kB
7fff00000000-7fff00001000 r-xp 00000000 00:00 0    [vdso]
Anonymous:             0 kB
`

func TestUnchanged(t *testing.T) {
	want := []mapping{{0x400000, 0x449c000}, {0x8612000, 0x8800000}}
	if got := unchanged([]byte(smaps), "/usr/bin/otelcol-ebpfsecurity"); !slices.Equal(got, want) {
		t.Errorf("%x instead of %x", got, want)
	}
}

// TestReleaseBinary goes on running without its pages.
func TestReleaseBinary(t *testing.T) {
	exe, err := os.Readlink("/proc/self/exe")
	fatal(t, err)
	b, err := os.ReadFile("/proc/self/smaps")
	fatal(t, err)
	if len(unchanged(b, exe)) == 0 {
		t.Errorf("no mapping of %s is found", exe)
	}
	for range 100 {
		fatal(t, releaseBinary())
	}
}
