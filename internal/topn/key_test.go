package topn

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	long := strings.Repeat("a", MaxKey)
	for _, c := range []struct{ name, key, want string }{
		{"empty", "", ""},
		{"a path", "/usr/bin/ssh", "/usr/bin/ssh"},
		{"more than ASCII", "/tmp/žluťoučký🐎", "/tmp/žluťoučký🐎"},
		{"as long as may be", long, long},
		{"too long", long + "b", long},
		{"cut before a character of two bytes", long[1:] + "ž", long[1:]},
		{"cut before a character of four bytes", long[3:] + "🐎", long[3:]},
		{"nothing after the cut", long[3:] + "🐎b", long[3:]},
		{"a character that just fits", long[4:] + "🐎b", long[4:] + "🐎"},
		{"bytes that are no character", "a\xff\xfeb", "a\uFFFD\uFFFDb"},
		{"half a character", "a\xc5", "a\uFFFD"},
		{"a surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"a long key of bad bytes", strings.Repeat("\xff", 4096), strings.Repeat("\uFFFD", 85)},
		{"bad bytes that grow too long", long[1:] + "\xff", long[1:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := New(1)
			n.Add([]byte(c.key), 3)
			assert.Equal(t, []Entry{{Key: c.want, Count: 3}}, n.Top(1))
		})
	}
}

func TestKeysThatAreEqualAfterTheCut(t *testing.T) {
	c := New(10)
	c.Add([]byte(strings.Repeat("x", 300)), 1)
	c.Add([]byte(strings.Repeat("x", 400)), 2)
	assert.Equal(t, []Entry{{Key: strings.Repeat("x", MaxKey), Count: 3}}, c.Top(10))
}

func TestTheCallersBytesAreNotKept(t *testing.T) {
	c := New(10)
	for _, key := range []string{"aaa", "a\xffa"} {
		b := []byte(key)
		c.Add(b, 1)
		copy(b, "zzz")
		c.Add(b, 1)
	}
	assert.Equal(t, []Entry{{"zzz", 2, 0}, {"aaa", 1, 0}, {"a\uFFFDa", 1, 0}}, c.Top(3))
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("/bin/sh"))
	f.Add([]byte(strings.Repeat("🐎\xf0\x9f", 100)))
	f.Fuzz(func(t *testing.T, key []byte) {
		got := clean(key, make([]byte, 0, MaxKey))
		require.True(t, utf8.Valid(got))
		require.LessOrEqual(t, len(got), MaxKey)
		want := []byte(string([]rune(string(key)))) // U+FFFD for each bad byte
		require.Equal(t, string(want[:len(got)]), string(got))
		require.True(t, len(got) == len(want) || len(got) > MaxKey-utf8.UTFMax, "cut too short")
	})
}
