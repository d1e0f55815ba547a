package check

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// netlinkTime is how long the kernel may take for one answer.
const netlinkTime = 5 * time.Second

// errInterrupted says that what was listed changed meanwhile.
var errInterrupted = errors.New("the list changed while it was read")

// ask sends a request to the kernel and calls each with the messages of the
// answer, one buffer after another: a list may be of any length.
func ask(protocol int, kind uint16, flags uint16, data []byte, each func(kind uint16, data []byte) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	wait := unix.NsecToTimeval(int64(netlinkTime))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	if err := unix.Sendto(fd, request(kind, flags|unix.NLM_F_REQUEST, data), 0, kernel); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	b := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // not the kernel's
		}
		if done, err := answers(b[:n], flags&unix.NLM_F_DUMP != 0, each); done || err != nil {
			return err
		}
	}
}

func request(kind, flags uint16, data []byte) []byte {
	b := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(data))
	binary.NativeEndian.PutUint32(b, uint32(cap(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], flags)
	return append(b, data...)
}

// answers says whether the answer is complete. A list ends with a message that
// says so, a single answer is one message.
func answers(b []byte, list bool, each func(kind uint16, data []byte) error) (done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return true, fmt.Errorf("parse netlink messages: %w", err)
	}
	for _, m := range messages {
		if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
			return true, errInterrupted
		}
		switch m.Header.Type {
		case unix.NLMSG_DONE:
			if len(m.Data) >= 4 { // the number of an error, if it ends early
				return true, asErrno(m.Data)
			}
			return true, nil
		case unix.NLMSG_ERROR:
			if len(m.Data) < 4 {
				return true, unix.EBADMSG
			}
			err := asErrno(m.Data)
			return err != nil || !list, err
		}
		if err := each(m.Header.Type, m.Data); err != nil {
			return true, err
		}
		if !list {
			return true, nil
		}
	}
	return false, nil
}

// asErrno reads an error's number, which is negative, or 0 for none.
func asErrno(data []byte) error {
	if errno := int32(binary.NativeEndian.Uint32(data)); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

// attributes are those of a netlink message, by their types.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofNlAttr {
			size := int(binary.NativeEndian.Uint16(b))
			kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if size < unix.SizeofNlAttr || size > len(b) {
				return
			}
			if !yield(kind, b[unix.SizeofNlAttr:size]) {
				return
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}
