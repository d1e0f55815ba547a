package topn

import "unicode/utf8"

// MaxKey is how many bytes of a key are kept. Longer ones are cut between
// characters, and a byte that is not UTF-8 becomes U+FFFD. Keys that are equal
// after that are one key.
const MaxKey = 256

// clean is key if it is fit, and else a fit one in buf.
func clean(key, buf []byte) []byte {
	if len(key) <= MaxKey && utf8.Valid(key) {
		return key
	}
	for len(key) > 0 {
		r, size := utf8.DecodeRune(key)
		if len(buf)+utf8.RuneLen(r) > MaxKey {
			break
		}
		buf = utf8.AppendRune(buf, r)
		key = key[size:]
	}
	return buf
}
