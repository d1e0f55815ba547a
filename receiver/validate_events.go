package receiver

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20

	maxArgs  = 32767        // what the kernel side copies
	maxBatch = 4 * mebibyte // what pipelines and gRPC take by default
	page     = 4096
)

// A FilePath is the absolute path of a file, or that of a directory with a slash
// at its end, which stands for all below it.
type FilePath string

// Validate refuses what is none of both.
func (p FilePath) Validate() error {
	text := string(p)
	clean := path.Clean(text)
	if strings.HasSuffix(text, "/") && clean != "/" {
		clean += "/"
	}
	return compare(text, clean)
}

// A User is the name or the number of a user.
type User string

// Validate refuses what no user is called.
func (u User) Validate() error {
	if u == "" {
		return errors.New("must not be empty")
	}
	if strings.ContainsAny(string(u), ":/ \t\n\x00") {
		return fmt.Errorf("%q is neither the name nor the number of a user", string(u))
	}
	if _, err := strconv.Atoi(string(u)); err == nil {
		if _, err := strconv.ParseUint(string(u), 10, 32); err != nil {
			return fmt.Errorf("%q is no number of a user", string(u))
		}
	}
	return nil
}

// A Container is the beginning of a container's id, or "host" for what is in none.
type Container string

const hostContainer Container = "host"

// Validate refuses what names no container.
func (c Container) Validate() error {
	const least, most = 12, 64
	if c == hostContainer {
		return nil
	}
	if len(c) < least || len(c) > most || strings.Trim(string(c), "0123456789abcdef") != "" {
		return fmt.Errorf("must be host, or %d to %d hexadecimal digits in lower case, not %q", least, most, string(c))
	}
	return nil
}

// A Peer is an IP address or a range of them in CIDR notation.
type Peer string

// Validate refuses what is neither.
func (p Peer) Validate() error {
	if _, err := p.prefix(); err != nil {
		return fmt.Errorf("%q is neither an address nor a range such as 10.0.0.0/8", string(p))
	}
	return nil
}

// A Size is a number of bytes. In text it may end in KiB or MiB.
type Size uint64

// UnmarshalText reads a number, which may have a unit.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), uint64(1)
	for suffix, bytes := range map[string]uint64{"KiB": kibibyte, "MiB": mebibyte} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(n), bytes
		}
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is no number of bytes such as 8MiB", text)
	}
	*s = Size(n * unit)
	return nil
}

func (s Size) String() string {
	switch {
	case s >= mebibyte && s%mebibyte == 0:
		return fmt.Sprintf("%dMiB", uint64(s)/mebibyte)
	case s >= kibibyte && s%kibibyte == 0:
		return fmt.Sprintf("%dKiB", uint64(s)/kibibyte)
	}
	return strconv.FormatUint(uint64(s), 10)
}

// A RingSize is the Size of a ring buffer.
type RingSize Size

// UnmarshalText reads a Size.
func (s *RingSize) UnmarshalText(text []byte) error { return (*Size)(s).UnmarshalText(text) }

// MarshalText writes a Size.
func (s RingSize) MarshalText() ([]byte, error) { return []byte(Size(s).String()), nil }

// Validate refuses sizes that the kernel refuses.
func (s RingSize) Validate() error {
	if s < page || s > 1<<30 || s&(s-1) != 0 {
		return fmt.Errorf("must be a power of two from 4KiB to 1024MiB, not %s", Size(s))
	}
	return nil
}

// A BatchSize is the Size of a batch.
type BatchSize Size

// UnmarshalText reads a Size.
func (s *BatchSize) UnmarshalText(text []byte) error { return (*Size)(s).UnmarshalText(text) }

// MarshalText writes a Size.
func (s BatchSize) MarshalText() ([]byte, error) { return []byte(Size(s).String()), nil }

// Validate refuses sizes that pipelines do not take, or that a record may exceed.
func (s BatchSize) Validate() error {
	return between(uint64(s), 64*kibibyte, maxBatch, func(n uint64) string { return Size(n).String() })
}

// A QueueSize is the Size of a queue of batches.
type QueueSize Size

// UnmarshalText reads a Size.
func (s *QueueSize) UnmarshalText(text []byte) error { return (*Size)(s).UnmarshalText(text) }

// MarshalText writes a Size.
func (s QueueSize) MarshalText() ([]byte, error) { return []byte(Size(s).String()), nil }

// Validate refuses sizes of which the half is too small for a batch, and those
// for which there is no memory.
func (s QueueSize) Validate() error {
	return between(uint64(s), 2*maxBatch, 1024*mebibyte, func(n uint64) string { return Size(n).String() })
}

// An ArgsSize is a number of bytes of arguments.
type ArgsSize uint32

// Validate refuses more than the kernel side copies.
func (s ArgsSize) Validate() error { return between(s, 0, maxArgs, number[ArgsSize]) }

// A Depth is a number of ancestors.
type Depth uint32

// Validate refuses more than are remembered.
func (d Depth) Validate() error { return between(d, 0, 16, number[Depth]) }

// An Amount is a number of events, not a negative one.
type Amount float64

// Validate refuses negative numbers, and what is no number.
func (a Amount) Validate() error {
	if !(a >= 0) {
		return fmt.Errorf("must not be negative, but is %v", float64(a))
	}
	return nil
}

// A SampleRate is how many events one record may stand for.
type SampleRate uint32

// Validate refuses 0, and what would hide everything.
func (r SampleRate) Validate() error { return between(r, 1, 10_000, number[SampleRate]) }

// Series is a number of series per kind.
type Series uint32

// Validate refuses more than 100.
func (s Series) Validate() error { return between(s, 1, 100, number[Series]) }

// A Positive is a number above 0.
type Positive uint32

// Validate refuses 0, and what no memory holds.
func (p Positive) Validate() error { return between(p, 1, 1_000_000, number[Positive]) }

// An Interval is a time that is not too short to wait for.
type Interval time.Duration

// UnmarshalText reads a duration such as 10s.
func (i *Interval) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*i = Interval(d)
	return err
}

// MarshalText writes a duration.
func (i Interval) MarshalText() ([]byte, error) { return []byte(time.Duration(i).String()), nil }

// Validate refuses less than 10 ms and more than an hour.
func (i Interval) Validate() error {
	return between(i, Interval(10*time.Millisecond), Interval(time.Hour), func(i Interval) string { return time.Duration(i).String() })
}

func number[T ~uint32](n T) string { return strconv.FormatUint(uint64(n), 10) }

func between[T ~uint32 | ~uint64 | ~int64](n, least, most T, text func(T) string) error {
	if n < least || n > most {
		return fmt.Errorf("must be from %s to %s, not %s", text(least), text(most), text(n))
	}
	return nil
}
