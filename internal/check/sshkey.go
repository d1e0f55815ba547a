package check

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// A publicKey is a line of an authorized_keys file, without its comment.
type publicKey struct {
	kind        string
	bits        int // of RSA and DSA, else 0
	options     string
	fingerprint string // as ssh-keygen -l shows it
}

func (k publicKey) String() string {
	s := k.kind
	if k.bits > 0 {
		s += " " + strconv.Itoa(k.bits)
	}
	for _, name := range optionNames(k.options) {
		s += " " + name
	}
	return s
}

// optionNames leaves out the values, which may be secret.
func optionNames(options string) []string {
	var names []string
	name, quoted := "", false
	for i := 0; i < len(options); i++ {
		switch c := options[i]; {
		case c == '\\' && i+1 < len(options) && options[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			names, name = append(names, name), ""
		case !quoted:
			name += string(rune(c))
		}
	}
	if names = append(names, name); options == "" {
		return nil
	}
	for i, n := range names {
		names[i], _, _ = strings.Cut(n, "=")
	}
	return names
}

func (k publicKey) isWeak() bool {
	return k.kind == "ssh-dss" || k.kind == "ssh-rsa" && k.bits < 2048
}

// parseAuthorizedKeys reads sshd(8)'s format: options, which may hold quoted
// white space, the kind, and the key. Other lines are no keys, for sshd too.
func parseAuthorizedKeys(b []byte) []publicKey {
	var all []publicKey
	for line := range lines(b) {
		if k, ok := parseKey(line); ok {
			all = append(all, k)
			continue
		}
		options, rest := cutOptions(line)
		if k, ok := parseKey(rest); ok {
			k.options = options
			all = append(all, k)
		}
	}
	return all
}

// cutOptions ends at the first white space that is not in double quotes.
func cutOptions(line string) (options, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}

func parseKey(s string) (publicKey, bool) {
	fields := strings.Fields(s)
	if len(fields) < 2 {
		return publicKey{}, false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return publicKey{}, false
	}
	kind, rest, ok := cutString(blob)
	if !ok || string(kind) != fields[0] {
		return publicKey{}, false
	}
	sum := sha256.Sum256(blob)
	k := publicKey{kind: fields[0], fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])}
	switch k.kind {
	case "ssh-rsa": // exponent, modulus
		_, rest, _ = cutString(rest)
		fallthrough
	case "ssh-dss": // prime, and more
		number, _, ok := cutString(rest)
		if !ok {
			return publicKey{}, false
		}
		k.bits = bitLength(number)
	}
	return k, true
}

// cutString takes a string, of four bytes of length and its own, off the
// beginning.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

func bitLength(number []byte) int {
	for i, b := range number {
		if b != 0 {
			n := 8 * (len(number) - i)
			for b&0x80 == 0 {
				b <<= 1
				n--
			}
			return n
		}
	}
	return 0
}
