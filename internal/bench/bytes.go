package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
)

// budgetPerHost is what a host may send, in bytes a second, where a fleet has 50,000.
const budgetPerHost = 10_000

func bytesPart() part {
	return part{
		name:  "bytes",
		title: "Bytes per executed program",
		about: "3,000 programs that a script runs on the files of /usr/bin, as records in batches of up to a second: " +
			"in a file of the file exporter, and in the requests of OTLP/HTTP. The last column is how many programs a second " +
			"fit the 10 kB/s that a host of a fleet of 50,000 may send.",
		measure: measureBytes,
	}
}

func measureBytes() (table, error) {
	t := table{Head: []string{"outlet", "compression", "bytes per program", "programs a second in 10 kB/s"}}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return t, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var wire [2]atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/zstd/v1/logs" {
			wire[0].Add(n)
		} else {
			wire[1].Add(n)
		}
	}))
	defer server.Close()
	c, err := startCollector(dir, fmt.Sprintf(bytesConfig, dir, dir, dir, server.URL, server.URL))
	if err != nil {
		return t, err
	}
	script := exec.Command("/bin/sh", "-c", `ls /usr/bin | head -n 1500 | while read -r f; do stat -c %s "/usr/bin/$f"; basename "$f" .x; done`)
	if err := script.Run(); err != nil {
		return t, errors.Join(err, c.stop())
	}
	n, err := c.settled("exec")
	if err := errors.Join(err, c.stop()); err != nil {
		return t, err
	}
	row := func(outlet, compression string, bytes int64) {
		per := float64(bytes) / float64(n)
		t.row(outlet, compression, fmt.Sprintf("%.1f", per), fmt.Sprintf("%.0f", budgetPerHost/per))
	}
	for _, f := range []struct{ name, format, compression string }{
		{"json.zst", "file, JSON", "zstd"}, {"proto.zst", "file, protobuf", "zstd"}, {"json", "file, JSON", "none"},
	} {
		info, err := os.Stat(filepath.Join(dir, f.name))
		if err != nil {
			return t, err
		}
		row(f.format, f.compression, info.Size())
	}
	row("OTLP/HTTP", "zstd", wire[0].Load())
	row("OTLP/HTTP", "gzip", wire[1].Load())
	t.Notes = append(t.Notes, fmt.Sprintf("%d programs.", n))
	return t, nil
}

const bytesConfig = `
receivers:
  ebpfsecurity:
    collection_interval: 1s
    checks: {enabled: false}
    events:
      classes: {file_open: false, connect: false, accept: false, udp_send: false, privilege: false, module: false,
        bpf: false, ptrace: false, namespace: false, mount: false}
exporters:
  file/json_zstd: {path: %s/json.zst, format: json, compression: zstd}
  file/proto_zstd: {path: %s/proto.zst, format: proto, compression: zstd}
  file/json: {path: %s/json, format: json}
  otlp_http/zstd: {endpoint: %s/zstd, compression: zstd}
  otlp_http/gzip: {endpoint: %s/gzip, compression: gzip}
  prometheus: {endpoint: "${env:BENCH_METRICS}", without_scope_info: true}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [ebpfsecurity], exporters: [prometheus]}
    logs: {receivers: [ebpfsecurity], exporters: [file/json_zstd, file/proto_zstd, file/json, otlp_http/zstd, otlp_http/gzip]}
`
