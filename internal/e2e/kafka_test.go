//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const topic = "events"

// A broker is a Kafka server with one topic, of some partitions, which keeps its
// messages over a restart.
type broker struct {
	t       *testing.T
	address string
	dir     string
	cluster *kfake.Cluster // nil while it is down
	options []kfake.Opt
}

func newBroker(t *testing.T, options ...kfake.Opt) *broker {
	t.Helper()
	b := &broker{t: t, address: freeAddress(t), dir: t.TempDir(), options: options}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.t.Helper()
	_, text, err := net.SplitHostPort(b.address)
	fatal(b.t, err)
	port, err := strconv.Atoi(text)
	fatal(b.t, err)
	b.cluster, err = kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(b.dir), kfake.SeedTopics(3, topic),
	}, b.options...)...)
	fatal(b.t, err)
}

func (b *broker) stop() {
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

// messages are all that the topic has, as kcat reads them.
func (b *broker) messages() (all [][]byte) {
	b.t.Helper()
	var said strings.Builder
	kcat := exec.Command("kcat", "-b", b.address, "-t", topic, "-C", "-e", "-q", "-o", "beginning", "-f", "%S %s")
	kcat.Stderr = &said
	output, err := kcat.StdoutPipe()
	fatal(b.t, err)
	fatal(b.t, kcat.Start())
	for in := bufio.NewReader(output); ; {
		var size int
		if _, err := fmt.Fscanf(in, "%d ", &size); err != nil {
			break
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(in, message); err != nil {
			b.t.Fatalf("a message of %d bytes: %v", size, err)
		}
		all = append(all, message)
	}
	if err := kcat.Wait(); err != nil {
		b.t.Fatalf("kcat: %v: %s", err, &said)
	}
	return all
}

// largest is the size of the largest message.
func largest(messages [][]byte) (n int) {
	for _, m := range messages {
		n = max(n, len(m))
	}
	return n
}

// An outlet is an example that sends what loads do to a broker.
type outlet struct {
	*rig
	kafka     *broker
	container string
	read      func(a *arrivals, message []byte) error // counts what a message tells of
}

// newOutlet starts an example with environment variables such as
// KAFKA_ENCODING=otlp_proto, and with configs laid over it: examples/… or yaml:….
func newOutlet(t *testing.T, example string, read func(*arrivals, []byte) error, env ...string) *outlet {
	t.Helper()
	return newBroker(t).outlet(example, read, env...)
}

// outlet starts an example that sends to this broker.
func (b *broker) outlet(example string, read func(*arrivals, []byte) error, env ...string) *outlet {
	b.t.Helper()
	o := &outlet{rig: newLoads(b.t), kafka: b, container: newContainerID(), read: read}
	o.cgroups = newCgroup(b.t, "docker-"+o.container+".scope")
	o.run(example, env...)
	return o
}

// primed is how many programs prime runs.
const primed = 2

// prime has the receiver know the container: what was not run there since its
// start may be over before it is looked up.
func (o *outlet) prime() (messages [][]byte) {
	o.Helper()
	o.do("run", o.runs, strconv.Itoa(primed))
	messages, _ = o.delivered(o.reported())
	return messages
}

// run starts the collector, the second time with the queue of the first.
func (o *outlet) run(example string, env ...string) {
	o.Helper()
	metrics, own := freeAddress(o.T), freeAddress(o.T)
	_, port, err := net.SplitHostPort(own)
	fatal(o, err)
	o.own = "http://" + own + "/metrics"
	args := []string{"--config", filepath.Join("examples", example), "--config", "internal/e2e/testdata/siem.yaml"}
	var given []string
	for _, e := range env {
		if strings.HasPrefix(e, "yaml:") || strings.HasPrefix(e, "examples/") {
			args = append(args, "--config", e)
		} else {
			given = append(given, e)
		}
	}
	cmd := command(args...)
	cmd.Env = append(os.Environ(), "E2E_DIR="+o.dir, "E2E_CONTAINER="+o.container, "METRICS_ENDPOINT="+metrics, "OTELCOL_METRICS_PORT="+port,
		"KAFKA_BROKERS="+o.kafka.address, "KAFKA_TOPIC="+topic, "KAFKA_QUEUE_DIR="+filepath.Join(o.dir, "queue"))
	cmd.Env = append(cmd.Env, given...)
	o.collector = startCommand(o.T, cmd, "http://"+metrics+"/metrics")
}

// reported waits until each event that was made until now has its outcome, and
// tells what these are.
func (o *outlet) reported() (l ledger) {
	o.Helper()
	now := time.Now()
	eventually(o.T, "a ledger that balances", func() bool {
		l = readLedger(o.page())
		return l.at.After(now) && l.balances()
	})
	return l
}

// delivered waits until the topic has as many records as the ledger says.
func (o *outlet) delivered(l ledger) (messages [][]byte, a arrivals) {
	o.Helper()
	defer func() {
		o.Logf("%d messages, the largest of %d bytes; the ledger:\n%s", len(messages), largest(messages), l.table(&a))
	}()
	eventually(o.T, "all that was reported in the topic", func() bool {
		messages, a = o.kafka.messages(), newArrivals()
		for _, m := range messages {
			if err := o.read(&a, m); err != nil {
				o.Fatalf("%v in %.500q", err, m)
			}
		}
		return l.agrees(&a)
	})
	return messages, a
}
