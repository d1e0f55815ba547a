package check

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func message(kind, flags uint16, data ...byte) []byte { return request(kind, flags, data) }

func TestAnswers(t *testing.T) {
	refused := make([]byte, 4)
	binary.NativeEndian.PutUint32(refused, uint32(0xffffffff)) // -EPERM
	join := func(all ...[]byte) (b []byte) {
		for _, m := range all {
			b = append(b, m...)
		}
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		list bool
		n    int
		done bool
		err  error
	}{
		{"a list goes on", join(message(7, unix.NLM_F_MULTI, 1, 2, 3, 4), message(7, unix.NLM_F_MULTI)), true, 2, false, nil},
		{"a list ends", join(message(7, unix.NLM_F_MULTI), message(unix.NLMSG_DONE, 0, 0, 0, 0, 0)), true, 1, true, nil},
		{"a list ends early", join(message(7, unix.NLM_F_MULTI), message(unix.NLMSG_DONE, 0, refused...)), true, 1, true, unix.EPERM},
		{"one answer", join(message(7, 0), message(8, 0)), false, 1, true, nil},
		{"refused", message(unix.NLMSG_ERROR, 0, refused...), true, 0, true, unix.EPERM},
		{"acknowledged", message(unix.NLMSG_ERROR, 0, 0, 0, 0, 0), true, 0, false, nil},
		{"an error without a number", message(unix.NLMSG_ERROR, 0), true, 0, true, unix.EBADMSG},
		{"interrupted", message(7, unix.NLM_F_DUMP_INTR), true, 0, true, errInterrupted},
		{"cut off", message(7, 0, 1, 2, 3, 4)[:18], true, 0, true, syscall.EINVAL},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := 0
			done, err := answers(test.b, test.list, func(uint16, []byte) error { n++; return nil })
			equal(t, "messages", n, test.n)
			equal(t, "done", done, test.done)
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
		})
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(message(7, 2, 1, 2, 3, 4, 8, 0, 1, 0, 'a', 0, 0, 0, 12, 0, 4, 0x80, 8, 0, 1, 0, 0, 0, 0, 1), true)
	f.Fuzz(func(_ *testing.T, b []byte, list bool) {
		_, _ = answers(b, list, func(_ uint16, data []byte) error {
			parseChain(data)
			dormantTable(data)
			ruleChain(data)
			return nil
		})
	})
}
