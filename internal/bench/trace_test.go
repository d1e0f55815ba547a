package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTraceOfTwoOperations: what is before the first and after the last does not count.
func TestTraceOfTwoOperations(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("default", `
ffffffff81000000 t __do_sys_getppid
ffffffff81000000 T __x64_sys_getppid
ffffffff81000100 T memcmp
ffffffff81000200 T security_file_open
ffffffff81000300 T htab_map_hash
ffffffffc0000000 t bpf_prog_0123456789abcdef_open_fentry	[bpf]
ffffffffc0000100 t bpf_trampoline_6442545334	[bpf]
`)
	ran := func(pc string) string { return "Trace 0: 0x7f12 [00000000/" + pc + "/00c0c2b3/ff000000] name\n" }
	operation := ran("ffffffff81000000") + ran("00007fffffff0000") + ran("ffffffff81000200") + ran("ffffffff81000100") +
		ran("ffffffffc0000100") + ran("ffffffffc0000000") + ran("ffffffffc0000004") + ran("ffffffff81000300") +
		ran("ffffffff81000100") + ran("ffffffffc0000008") + ran("ffffffff81000204")
	write("default-open.log", ran("ffffffffc0000000")+"qemu: a warning\n"+operation+operation+operation)

	got, err := readTrace(dir, "default", "open")
	require.NoError(t, err)
	assert.Equal(t, trace{
		in:    map[string]float64{ways: 1, "`open_fentry`": 3, bpfMaps: 2},
		calls: map[string]float64{ways: 1, "`open_fentry`": 1, bpfMaps: 1},
	}, got)
	assert.Equal(t, [][]string{{inAll, "6", "", "6", ""}}, traceRows(got, got))
}

func TestTraceWithoutOperations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"default": "ffffffff81000000 T __x64_sys_getppid\n", "default-open.log": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	_, err := readTrace(dir, "default", "open")
	assert.ErrorContains(t, err, "0 operations seen")
}
