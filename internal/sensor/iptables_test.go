//go:build linux && (amd64 || arm64)

package sensor

import (
	"encoding/binary"
	"testing"
)

// policy is a table with one entry: a policy.
func policy(verdict int32) []byte {
	b := make([]byte, 112+40)
	binary.NativeEndian.PutUint16(b[88:], 112)
	binary.NativeEndian.PutUint32(b[112+sizeofTarget:], uint32(verdict))
	return b
}

func TestIsNotAccept(t *testing.T) {
	for verdict, want := range map[int32]bool{verdictAccepts: false, -1: true} {
		if got, err := isNotAccept(policy(verdict), 0, 88); err != nil || got != want {
			t.Errorf("verdict %d: %v, %v", verdict, got, err)
		}
	}
	named := policy(0)
	named[112+2] = 'E'
	for _, b := range [][]byte{nil, policy(-1)[:80], policy(-1)[:120], named} {
		if _, err := isNotAccept(b, 0, 88); err == nil {
			t.Errorf("%d bytes are a policy", len(b))
		}
	}
}

func FuzzIsNotAccept(f *testing.F) {
	f.Add(policy(-1), uint16(0), true)
	f.Fuzz(func(_ *testing.T, b []byte, at uint16, six bool) {
		offsets := 88
		if six {
			offsets = 140
		}
		_, _ = isNotAccept(b, int(at), offsets)
	})
}
