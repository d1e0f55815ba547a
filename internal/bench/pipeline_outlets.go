package main

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// An outlet is where records go.
type outlet struct {
	name      string
	events    string // settings of the receiver's events
	exporter  string
	settings  string // of the exporter; ADDRESS is what serve tells, DIR is for files
	serve     func(dir string) (address string, end func() error, err error)
	isCounted bool // only: there is no pipeline of logs
}

const (
	metricsOnly = "metrics only"

	everyEvent = "sampling: {events_per_second: 0}"
	doNothing  = "{verbosity: basic, use_internal_logger: false, output_paths: [/dev/null]}"
	noQueue    = "sending_queue: {enabled: false}"
	onDisk     = "sending_queue: {storage: file_storage, sizer: bytes, queue_size: 1_073_741_824, num_consumers: 1}, " +
		"retry_on_failure: {initial_interval: 1s, max_interval: 30s, max_elapsed_time: 0s}"
)

var outlets = []outlet{
	{name: metricsOnly, exporter: "debug", settings: doNothing, serve: serveNothing, isCounted: true},
	{name: "door, default sampling", exporter: "debug", settings: doNothing, serve: serveNothing},
	{name: "door", events: everyEvent, exporter: "debug", settings: doNothing, serve: serveNothing},
	{
		name: "file", events: everyEvent, serve: serveNothing,
		exporter: "file", settings: "{path: DIR/records, format: proto, compression: zstd}",
	},
	kafkaOutlet("Kafka", noQueue),
	kafkaOutlet("Kafka, queue on the disk", onDisk),
	otlpOutlet("OTLP gRPC", noQueue),
	otlpOutlet("OTLP gRPC, queue on the disk", onDisk),
}

func kafkaOutlet(name, queue string) outlet {
	return outlet{
		name: name, events: everyEvent + ", batch: {max_bytes: 128KiB}, queue: {batches: 256}", serve: serveKafka,
		exporter: "kafka", settings: "{brokers: [ADDRESS], logs: {topic: " + kafkaTopic + ", encoding: otlp_json}, " +
			"producer: {required_acks: 1, compression: zstd}, " + queue + "}",
	}
}

func otlpOutlet(name, queue string) outlet {
	return outlet{
		name: name, events: everyEvent, serve: serveOTLP,
		exporter: "otlp_grpc", settings: "{endpoint: ADDRESS, tls: {insecure: true}, " + queue + "}",
	}
}

func (o outlet) config(dir, file, address, own string) string {
	_, port, _ := net.SplitHostPort(own)
	pipelines := flowPipelines
	if o.isCounted {
		pipelines, _, _ = strings.Cut(pipelines, "    logs:")
	}
	return strings.NewReplacer("DIR", dir, "FILE", file, "PORT", port, "EVENTS", o.events, "EXPORTER", o.exporter,
		"SETTINGS", strings.NewReplacer("DIR", dir, "ADDRESS", address).Replace(o.settings)).Replace(flowConfig + pipelines)
}

const flowConfig = `
receivers:
  ebpfsecurity:
    collection_interval: 1s
    checks: {enabled: false}
    file: {watch: [{path: FILE, severity: critical}]}
    events: {only: {paths: [FILE]}, EVENTS}
exporters:
  prometheus: {endpoint: "${env:BENCH_METRICS}", without_scope_info: true}
  EXPORTER: SETTINGS
extensions:
  file_storage: {directory: DIR/queue, create_directory: true, fsync: false}
service:
  extensions: [file_storage]
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: PORT}}}}]}}
`

const flowPipelines = `  pipelines:
    metrics: {receivers: [ebpfsecurity], exporters: [prometheus]}
    logs: {receivers: [ebpfsecurity], exporters: [EXPORTER]}
`

func serveNothing(string) (string, func() error, error) {
	return "", func() error { return nil }, nil
}

const kafkaTopic = "events"

func serveKafka(string) (string, func() error, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, kafkaTopic))
	if err != nil {
		return "", nil, fmt.Errorf("the Kafka broker: %w", err)
	}
	end := func() error {
		cluster.Close()
		return nil
	}
	return cluster.ListenAddrs()[0], end, nil
}

// serveOTLP runs a second collector, which drops what it gets.
func serveOTLP(string) (string, func() error, error) {
	address, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(distribution, "--config", "yaml:"+strings.NewReplacer("ADDRESS", address, "SETTINGS", doNothing).Replace(sinkConfig))
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	end := func() error {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			return fmt.Errorf("the collector that takes OTLP: %w: %s", err, tail(said.String()))
		}
		return nil
	}
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			return address, end, conn.Close()
		}
	}
	return "", nil, errors.Join(errors.New("nothing takes OTLP within a minute"), end())
}

const sinkConfig = `
receivers:
  otlp: {protocols: {grpc: {endpoint: "ADDRESS"}}}
exporters:
  debug: SETTINGS
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [debug]}
`

// freeAddress is one that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
