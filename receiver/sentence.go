package receiver

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQuoted is how many bytes of a text a sentence shows. All of it is in the attributes.
const maxQuoted = 256

// A sentence is the body of a record as it is written, in one buffer for all.
// Whoever reads it on a terminal is safe: characters that control one are escaped.
type sentence []byte

// is adds words of our own.
func (s *sentence) is(words ...string) *sentence {
	for _, w := range words {
		*s = append(*s, w...)
	}
	return s
}

func (s *sentence) num(n uint64) *sentence {
	*s = strconv.AppendUint(*s, n, 10)
	return s
}

// quote adds words of others.
func (s *sentence) quote(text string) *sentence { return s.quoteIn(text, 0) }

// quoteIn is quote for a text between marks, which it escapes as well.
func (s *sentence) quoteIn(text string, mark rune) *sentence {
	cut := text
	if len(cut) > maxQuoted {
		cut = cut[:maxQuoted]
	}
	for rest := cut; rest != ""; {
		if n := plain(rest, mark); n > 0 { // nearly always all of it
			*s = append(*s, rest[:n]...)
			rest = rest[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case mark != 0 && (r == mark || r == '\\'):
			*s = append(*s, '\\', byte(r))
		case r == utf8.RuneError && n == 1:
			*s = append(*s, `\x`...)
			*s = append(*s, "0123456789abcdef"[rest[0]>>4], "0123456789abcdef"[rest[0]&15])
		case printable(r):
			*s = append(*s, rest[:n]...)
		default:
			quoted := strconv.AppendQuoteRuneToASCII(nil, r)
			*s = append(*s, quoted[1:len(quoted)-1]...)
		}
		rest = rest[n:]
	}
	if len(cut) < len(text) {
		*s = append(*s, "…"...)
	}
	return s
}

// plain is how many bytes a text begins with that are ASCII, show as themselves, and need no escape.
func plain(text string, mark rune) int {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || mark != 0 && (rune(c) == mark || c == '\\') {
			return i
		}
	}
	return len(text)
}

// printable tells whether r shows as itself: neither a control character nor
// one that changes the direction or has no width.
func printable(r rune) bool { return r >= utf8.RuneSelf && unicode.IsPrint(r) }

// words adds a program and its arguments, in quotes where it takes some to see
// where they end.
func (s *sentence) words(list []string) {
	start := len(*s)
	for _, w := range list {
		*s = append(*s, ' ')
		if w != "" && !strings.ContainsAny(w, " \t\n\"'\\") {
			s.quote(w)
		} else {
			s.is("'").quoteIn(w, '\'').is("'")
		}
		if len(*s)-start > maxQuoted {
			s.is(" …")
			return
		}
	}
}
