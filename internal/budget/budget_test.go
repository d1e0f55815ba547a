package budget

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	b, err := parse("# comment\n\nverified/exec 100\nbytes/exec 59.5\n")
	require.NoError(t, err)
	assert.NoError(t, b.judge("verified/exec", 120, Verified))
	assert.ErrorContains(t, b.judge("verified/exec", 121, Verified), "verified/exec is 121: more than 120, which the 100 of testdata/budget allow")
	assert.ErrorContains(t, b.judge("bytes/exec", 59.6, Exact), "59.6")
	assert.ErrorContains(t, b.judge("verified/exec", 0, Verified), "was it measured?")
	assert.ErrorContains(t, b.judge("bytes/exit", 1, Exact), "bytes/exit is 1, and not in testdata/budget")
}

func TestParseNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"a 1\nb":      "testdata/budget:2: 1 words",
		"a 1\n\nb 1x": `testdata/budget:3: strconv.ParseFloat: parsing "1x"`,
		"a 1\na 2":    "testdata/budget:2: a is there twice",
	} {
		_, err := parse(text)
		assert.ErrorContains(t, err, want)
	}
}

func TestTheFileIsFound(t *testing.T) {
	b, err := read()
	require.NoError(t, err)
	assert.NotEmpty(t, b)
}
