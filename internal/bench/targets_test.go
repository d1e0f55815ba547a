package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTargets(t *testing.T) {
	traceOf := func(usual string) tables {
		return tables{
			"instructions": {Head: []string{"kernel", "operation", unattached}, Rows: [][]string{{countedIn, "open_unwatched", "8000"}}},
			"trace":        {Head: traceHead, Rows: [][]string{{"open_unwatched", inAll, "100", "", usual, ""}}},
		}
	}
	row := func(all tables, what string) []string {
		for _, row := range targetTable(all).Rows {
			if row[0] == what {
				return row
			}
		}
		t.Fatal("no target is ", what)
		return nil
	}
	const open, off = "an open of what is not watched", "the ledger at 500,000 a second"
	for usual, met := range map[string]string{"240": "yes", "241": "no"} {
		assert.Equal(t, []string{open, "≤ 250 instructions, ≤ 3 %", usual + " (3.0 %); as counters only 100 (1.2 %)", met}, row(traceOf(usual), open))
	}
	_, met, known := traced("open_unwatched", 239, anyShare)(traceOf("240"))
	assert.True(t, known)
	assert.False(t, met)
	assert.Equal(t, []string{open, "≤ 250 instructions, ≤ 3 %", "not measured", ""}, row(tables{}, open))

	const lost = "events lost at 200,000 a second"
	load := func(rows ...[]string) tables {
		return tables{"pipeline": {Head: []string{"outlet", "opens/s asked", "made/s", "lost", "ledger"}, Rows: rows}}
	}
	fine := load([]string{"door", "200000", "199000", "0", "balanced"}, []string{"door", "500000", "499000", "7 (0.1 %)", "balanced"})
	assert.Equal(t, []string{"balanced with all 1 outlets, at 499000/s", "yes"}, row(fine, off)[2:])
	assert.Equal(t, []string{"0, at 199000/s", "yes"}, row(fine, lost)[2:])
	bad := load([]string{"door", "200000", "199000", "3 (0.1 %)", "balanced"}, []string{"door", "500000", "499000", "0", "2 without outcome"})
	assert.Equal(t, []string{"door: 2 without outcome", "no"}, row(bad, off)[2:])
	assert.Equal(t, []string{"3 (0.1 %), at 199000/s", "no"}, row(bad, lost)[2:])
	slow := load([]string{"door", "200000", "80000", "0", "balanced"}, []string{"door", "500000", "140000", "0", "balanced"})
	assert.Equal(t, []string{"balanced with all 1 outlets, at 140000/s", "no"}, row(slow, off)[2:])
	assert.Equal(t, []string{"0, at 80000/s", "no"}, row(slow, lost)[2:])
}

// TestTargetsNameCells: a part that renames a column would leave its targets unmeasured.
func TestTargetsNameCells(t *testing.T) {
	assert.Contains(t, flowHead, cpuColumn)
	assert.Contains(t, traceHead, usualWay)
	assert.Contains(t, traceHead, "counters")
}
