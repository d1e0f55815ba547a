package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFlowCells(t *testing.T) {
	f := flow{
		outlet: "file", asked: 50_000, made: 500_000, took: 12_500 * time.Millisecond, cpu: 2.25, peak: 231.4,
		ledger: map[string]uint64{
			"observed": 500_000, "reported": 473_000, "sampled": 25_000, "lost_ring": 1000, "lost_batch": 600, "refused": 400,
		},
	}
	assert.Equal(t, []string{"file", "50000", "40000", "4.50", "231", "2000 (0.4 %)", "25000 (5.0 %)", "balanced"}, f.cells())
}

func TestFlowThatLostNothing(t *testing.T) {
	f := flow{made: 10, took: time.Second, ledger: map[string]uint64{"observed": 10, "reported": 10, "sampled": 0}}
	assert.Equal(t, []string{"0", "0", "balanced"}, f.cells()[5:])
}

func TestFlowTellsWhatIsMissing(t *testing.T) {
	for want, f := range map[string]flow{
		"balanced":          {made: 5, ledger: map[string]uint64{"observed": 5, "reported": 3, "filtered": 2}},
		"2 without outcome": {made: 5, ledger: map[string]uint64{"observed": 5, "reported": 3}},
		"-3 observed":       {made: 8, ledger: map[string]uint64{"observed": 5, "reported": 5}},
		"+1 observed":       {made: 4, ledger: map[string]uint64{"observed": 5, "reported": 5}},
		"7 not delivered":   {made: 5, ledger: map[string]uint64{"observed": 5, "reported": 5}, undelivered: 7},
		"-4 observed, 1 without outcome, 1 not delivered": {made: 9, ledger: map[string]uint64{"observed": 5, "reported": 4}, undelivered: 1},
		"-9 observed": {made: 9}, // no ledger
	} {
		assert.Equal(t, want, f.balance())
	}
}

func TestReadDone(t *testing.T) {
	made, took, err := readDone("file_open 100000\nmilliseconds 9998\n")
	require.NoError(t, err)
	assert.EqualValues(t, 100_000, made)
	assert.Equal(t, 9998*time.Millisecond, took)
	for _, wrong := range []string{"", "file_open many\n", "file_open 100000\n", "file_open 2\nmilliseconds 0\n"} {
		_, _, err := readDone(wrong)
		assert.ErrorContains(t, err, "a load said", wrong)
	}
}

func TestRecords(t *testing.T) {
	accepted, sent, err := recordsOf(strings.NewReader(`# HELP otelcol_receiver_accepted_log_records records
otelcol_receiver_accepted_log_records{receiver="ebpfsecurity",transport=""} 1.00002e+06
otelcol_receiver_accepted_metric_points{receiver="ebpfsecurity",transport=""} 7
otelcol_receiver_refused_log_records{receiver="ebpfsecurity",transport=""} 9
otelcol_exporter_sent_log_records{exporter="kafka"} 1e+06
otelcol_exporter_send_failed_log_records{exporter="kafka"} 20
`))
	require.NoError(t, err)
	assert.EqualValues(t, 1_000_020, accepted)
	assert.EqualValues(t, 1_000_000, sent)
	_, _, err = recordsOf(strings.NewReader("otelcol_exporter_sent_log_records{exporter=\"kafka\"} some\n"))
	assert.ErrorContains(t, err, "some")
}

func TestOutletConfig(t *testing.T) {
	for _, o := range outlets {
		got := o.config("/tmp/d", "/tmp/d/file", "127.0.0.1:1", "127.0.0.1:2")
		assert.Contains(t, got, "path: /tmp/d/file,", o.name)
		for _, name := range []string{"DIR", "FILE", "PORT", "EVENTS", "EXPORTER", "SETTINGS", "ADDRESS"} {
			assert.NotContains(t, strings.ReplaceAll(got, "BENCH_METRICS", ""), name, o.name)
		}
	}
}

func TestMakeOpens(t *testing.T) {
	load := filepath.Join(t.TempDir(), "load")
	require.NoError(t, os.WriteFile(load, []byte("#!/bin/sh\necho file_open $2\necho milliseconds $3\n"), 0o700))
	for rate, want := range map[int]uint64{10_000: 100_000, 200_000: 2_000_000, 500_000: 2_000_000} {
		made, took, err := makeOpens(load, "file", rate)
		require.NoError(t, err)
		assert.Equal(t, want, made)
		share := rate // of each process
		if rate == 500_000 {
			share /= 2
		}
		assert.EqualValues(t, share, took.Milliseconds())
	}
	_, _, err := makeOpens("/bin/false", "file", 500_000)
	assert.ErrorContains(t, err, "/bin/false file 1000000 250000: exit status 1")
}
