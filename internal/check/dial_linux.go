package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
)

var errNotSocket = errors.New("not a socket")

// Dial connects to a socket of the host.
func (r *Root) Dial(ctx context.Context, name string) (net.Conn, error) {
	it, err := r.find("dial", name, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	info, err := it.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, &fs.PathError{Op: "dial", Path: name, Err: errNotSocket}
	}
	return new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", it.Fd()))
}
