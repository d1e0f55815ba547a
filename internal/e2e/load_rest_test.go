//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// rest n does n times what the other loads leave out: it sends a datagram, is
// refused a connection, and loads a module that is none.
func rest(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	closed, err := closedPort()
	if err != nil {
		return err
	}
	for range n {
		if err := restOnce(closed); err != nil {
			return err
		}
	}
	fmt.Printf("udp_send %d\nconnect %[1]d\nmodule %[1]d\n", n)
	return nil
}

func restOnce(closed string) error {
	socket, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		return err
	}
	if _, err := socket.Write([]byte("hello")); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if _, err := net.Dial("tcp", closed); !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("connect to a closed port: %w", err)
	}
	err = unix.InitModule([]byte("no module"), "")
	if err == nil {
		return errors.New("the kernel took what is no module")
	}
	return socket.Close()
}

func closedPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
