//go:build linux && (amd64 || arm64)

package sensor

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// readings are what a reader returns, one after the other.
type readings []error

func (r *readings) Read([]byte) (int, error) {
	err := (*r)[0]
	*r = (*r)[1:]
	return 0, err
}

func TestDrain(t *testing.T) {
	again := &os.PathError{Op: "read", Path: "bpf_iter", Err: unix.EAGAIN}
	for _, c := range []struct {
		name string
		read readings
		want error
	}{
		{"at once", readings{io.EOF}, nil},
		{"after two million files", readings{again, again, io.EOF}, nil},
		{"not at all", readings{again, unix.EIO}, unix.EIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := drain(&c.read); !errors.Is(err, c.want) || len(c.read) != 0 {
				t.Errorf("got %v, want %v; %d readings are left", err, c.want, len(c.read))
			}
		})
	}
}
