package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const printed = `=== KERNEL 6.12.117+deb13-cloud-amd64 x86_64
goos: linux
BenchmarkKernel/nothing/getppid         	       1	       354.5 undisturbed-ns/op
BenchmarkKernel/default/getppid-2       	       1	       360.0 undisturbed-ns/op
BenchmarkKernel/nothing#01/getppid      	       1	       354.0 undisturbed-ns/op
BenchmarkCount-2   	    5000	    200123 ns/op	     512 B/op	       3 allocs/op
PASS
`

func TestResults(t *testing.T) {
	all, err := results(strings.NewReader(printed))
	require.NoError(t, err)
	require.Len(t, all, 4)
	assert.Equal(t, []string{"BenchmarkKernel", "nothing", "getppid"}, all[2].sub)
	assert.Equal(t, map[string]float64{"ns/op": 200123, "B/op": 512, "allocs/op": 3}, all[3].figures)
}

func TestAddedIsAgainstTheLeast(t *testing.T) {
	all, err := results(strings.NewReader(printed))
	require.NoError(t, err)
	var got table
	added(&got, "amd64:6.12", all)
	assert.Equal(t, []string{"kernel", "operation", "nothing attached", "default"}, got.Head)
	assert.Equal(t, [][]string{{"amd64:6.12", "getppid", "354", "+6 (1.0169)"}}, got.Rows)
}

func TestResultsNameTheLine(t *testing.T) {
	_, err := results(strings.NewReader("BenchmarkX 1 many ns/op\n"))
	assert.ErrorContains(t, err, `"BenchmarkX 1 many ns/op"`)
}

func TestLedger(t *testing.T) {
	l, err := ledgerOf(strings.NewReader(`# HELP security_ebpf_events_total events
security_ebpf_events_total{class="exec",outcome="observed"} 1.2e+06
security_ebpf_events_total{class="exec",outcome="reported"} 1.1e+06
security_ebpf_events_total{class="exec",outcome="lost_ring"} 99998
security_ebpf_events_total{class="exit",outcome="observed"} 5
`), "exec")
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{"observed": 1_200_000, "reported": 1_100_000, "lost_ring": 99_998}, l)
	assert.EqualValues(t, 2, onTheWay(l))
}

func TestMarkdown(t *testing.T) {
	got := table{Head: []string{"a", "b"}, Notes: []string{"A note."}}
	got.row("x", "1")
	assert.Equal(t, "| a | b |\n|---|---:|\n| x | 1 |\n\nA note.\n", got.markdown())
	assert.Equal(t, "  a  b\n  x  1\n  A note.\n", got.text())
}

func TestOnlyNamesTheParts(t *testing.T) {
	assert.ErrorContains(t, run("speed"), "-only speed: there are instructions,")
}
