package receiver

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// The most bytes that OTLP needs beside the text: of an attribute, and of one
// element of an attribute that is a list.
const (
	attributeBytes = 24
	elementBytes   = 12
)

// attributes are those of one record, with how large they may be in OTLP. Each
// is put once: unlike a map, a builder does not look whether one is there.
type attributes struct {
	builder xpdata.MapBuilder
	bytes   int
}

// begin forgets what was put, and makes room for n.
func (a *attributes) begin(n int) {
	*a = attributes{}
	a.builder.EnsureCapacity(n)
}

// end gives the attributes to the record.
func (a *attributes) end(r plog.LogRecord) { a.builder.UnsafeIntoMap(r.Attributes()) }

// str puts a text, unless it is empty, which is unknown. Bytes that are no UTF-8
// are replaced: OTLP takes no others.
func (a *attributes) str(key, text string) { a.known(key, valid(text)) }

// known is str for a text that is known to be valid UTF-8.
func (a *attributes) known(key, text string) {
	if text == "" {
		return
	}
	a.builder.AppendEmpty(key).SetStr(text)
	a.bytes += attributeBytes + len(key) + len(text)
}

// value puts a text that may be empty and known all the same.
func (a *attributes) value(key, text string, known bool) {
	if !known {
		return
	}
	text = valid(text)
	a.builder.AppendEmpty(key).SetStr(text)
	a.bytes += attributeBytes + len(key) + len(text)
}

func (a *attributes) num(key string, n int64) {
	a.builder.AppendEmpty(key).SetInt(n)
	a.bytes += attributeBytes + len(key)
}

func (a *attributes) boolean(key string, b bool) {
	a.builder.AppendEmpty(key).SetBool(b)
	a.bytes += attributeBytes + len(key)
}

// list puts texts, unless there are none.
func (a *attributes) list(key string, texts []string) {
	if len(texts) == 0 {
		return
	}
	slice := a.builder.AppendEmpty(key).SetEmptySlice()
	slice.EnsureCapacity(len(texts))
	a.bytes += attributeBytes + len(key)
	for _, text := range texts {
		text = valid(text)
		slice.AppendEmpty().SetStr(text)
		a.bytes += elementBytes + len(text)
	}
}

func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, string(utf8.RuneError))
}
