//go:build e2e

package e2e

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// A sink takes log records over OTLP/HTTP, and counts what it took.
type sink struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	answer func() int // an HTTP status
	asked  map[int]int
	arrivals
}

// arrivals are what records say who were taken.
type arrivals struct {
	classes map[string]uint64    // by the class of the ledger
	stands  map[string]uint64    // for how many events the records of a class stand
	gaps    map[[2]string]uint64 // how many are missing, by class and reason
	told    int                  // records of gaps
	execs   map[execution]uint64
	pids    map[string]map[int64]uint64 // who did it, by class
	paths   map[string]uint64           // of opened files
	rates   map[string]int64            // the highest sample rate, by class; but for suspicious processes
}

// An execution is what is known of a program that ran.
type execution struct{ path, kind string }

func newArrivals() arrivals {
	return arrivals{
		classes: make(map[string]uint64), stands: make(map[string]uint64), gaps: make(map[[2]string]uint64),
		execs: make(map[execution]uint64), pids: make(map[string]map[int64]uint64), paths: make(map[string]uint64),
		rates: make(map[string]int64),
	}
}

// newConsumer takes everything at once.
func newSink(t *testing.T) *sink {
	c := &sink{t: t, answer: takes, asked: make(map[int]int), arrivals: newArrivals()}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// The ways to answer.
func takes() int   { return http.StatusOK }
func busy() int    { return http.StatusServiceUnavailable } // try again
func refuses() int { return http.StatusBadRequest }         // for good

// slowly takes a batch after some time.
func slowly(d time.Duration) func() int {
	return func() int {
		time.Sleep(d)
		return http.StatusOK
	}
}

// blocks answers nothing until it is released, and takes everything then.
func blocks() (answer func() int, release func()) {
	released := make(chan struct{})
	return func() int {
		<-released
		return http.StatusOK
	}, sync.OnceFunc(func() { close(released) })
}

// from now on the sink answers so.
func (c *sink) from(answer func() int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// ServeHTTP takes the records of a request, or does not.
func (c *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := content(r)
	logs := plog.NewLogs()
	if err == nil {
		// An ExportLogsServiceRequest is encoded as LogsData is.
		logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	}
	if err != nil {
		c.t.Errorf("what arrived is not OTLP: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	status := answer()
	c.mu.Lock()
	c.asked[status]++
	if status == http.StatusOK {
		c.take(logs)
	}
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(status) // and an empty ExportLogsServiceResponse
}

// content is the body of a request, unpacked.
func content(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	packed, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(packed)
}

// answered is how often it answered so.
func (c *sink) answered(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[status]
}

// arrived is what it took until now.
func (c *sink) arrived() arrivals {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.arrivals
	a.classes, a.stands, a.gaps = maps.Clone(a.classes), maps.Clone(a.stands), maps.Clone(a.gaps)
	a.execs, a.paths, a.rates = maps.Clone(a.execs), maps.Clone(a.paths), maps.Clone(a.rates)
	a.pids = make(map[string]map[int64]uint64)
	for class, pids := range c.pids {
		a.pids[class] = maps.Clone(pids)
	}
	return a
}

// forget who did what.
func (c *sink) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pids = make(map[string]map[int64]uint64)
}

func (a *arrivals) take(logs plog.Logs) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				a.see(r)
			}
		}
	}
}

// classes are those of the ledger, by the names of their records.
var classes = map[string]string{
	"ebpfsecurity.process.exec":         "exec",
	"ebpfsecurity.process.exit":         "exit",
	"ebpfsecurity.file.open":            "file_open",
	"ebpfsecurity.network.connect":      "connect",
	"ebpfsecurity.network.accept":       "accept",
	"ebpfsecurity.network.close":        "close",
	"ebpfsecurity.network.udp_send":     "udp_send",
	"ebpfsecurity.privilege.change":     "privilege",
	"ebpfsecurity.kernel.module_load":   "module",
	"ebpfsecurity.kernel.module_unload": "module",
	"ebpfsecurity.kernel.bpf_load":      "bpf",
	"ebpfsecurity.process.ptrace":       "ptrace",
	"ebpfsecurity.namespace.change":     "namespace",
	"ebpfsecurity.filesystem.mount":     "mount",
	"ebpfsecurity.config.changed":       "config",
}

func (a *arrivals) see(r plog.LogRecord) {
	at := r.Attributes()
	if r.EventName() == "ebpfsecurity.gap" {
		a.told++
		a.gaps[[2]string{text(at, "ebpfsecurity.gap.class"), text(at, "ebpfsecurity.gap.reason")}] += uint64(number(at, "ebpfsecurity.gap.count"))
		return
	}
	class, known := classes[r.EventName()]
	if !known {
		class = r.EventName() // which no ledger balances
	}
	rate := number(at, "ebpfsecurity.sample_rate")
	a.classes[class]++
	a.stands[class] += uint64(rate)
	if a.pids[class] == nil {
		a.pids[class] = make(map[int64]uint64)
	}
	a.pids[class][number(at, "process.pid")]++
	switch class {
	case "exec":
		a.execs[execution{text(at, "process.executable.path"), text(at, "ebpfsecurity.process.type")}]++
	case "file_open":
		a.paths[text(at, "file.path")]++
	}
	if text(at, "ebpfsecurity.process.type") != "suspicious" {
		a.rates[class] = max(a.rates[class], rate)
	}
}

func text(at pcommon.Map, key string) string {
	v, ok := at.Get(key)
	if !ok {
		return ""
	}
	return strings.Clone(v.Str())
}

func number(at pcommon.Map, key string) int64 {
	v, ok := at.Get(key)
	if !ok {
		return 0
	}
	return v.Int()
}
