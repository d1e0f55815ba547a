package check

import (
	"strings"
	"testing"
)

func TestScanLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	var got []string
	err := scanLines(strings.NewReader("a\r\n\n"+long+"\nb\nc"), 0, func(line []byte) bool {
		got = append(got, string(line))
		return string(line) != "b"
	})
	equal(t, "error", err, nil)
	equal(t, "lines", strings.Join(got, ","), "a,,"+long[:maxLine]+",b")
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestScanLinesEnds(t *testing.T) {
	equal(t, "error", scanLines(endless{}, 0, func([]byte) bool { return true }), errTooLarge)
}

func TestScanRefuses(t *testing.T) {
	h := newTree(t, map[string]string{"dir/": ""}).host()
	for _, name := range []string{"dir", "none"} {
		if h.scan(name, func([]byte) {}) == nil {
			t.Errorf("%s was read", name)
		}
	}
}
