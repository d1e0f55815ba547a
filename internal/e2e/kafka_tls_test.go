//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestKafkaWithTLSAndPassword: a broker that takes nothing in clear, and nothing
// without a certificate and a password, gets every record.
func TestKafkaWithTLSAndPassword(t *testing.T) {
	const password = "open sesame"
	c := newCertificates(t)
	certificate, err := tls.LoadX509KeyPair(c.cert, c.key)
	fatal(t, err)
	ca, err := os.ReadFile(c.ca)
	fatal(t, err)
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(ca) {
		t.Fatal("no authority")
	}
	b := newBroker(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ebpfsecurity", password), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS12,
	}))
	o, all := b.sendSamples("kafka-ecs.yaml", "examples/kafka-tls.yaml", "KAFKA_PASSWORD="+password,
		"KAFKA_CA_FILE="+c.ca, "KAFKA_CERT_FILE="+c.cert, "KAFKA_KEY_FILE="+c.key)
	eventually(t, "all records sent", func() bool {
		own, err := get(o.own)
		sent, _ := value(own, "otelcol_exporter_sent_log_records")
		return err == nil && int(sent) == len(all)
	})
	o.stop(t)
	// kcat knows no SASL as this broker has it, so the broker shows in clear what it took.
	b.stop()
	b.options = nil
	b.start()
	messages := b.messages()
	t.Logf("%d messages of %d records", len(messages), len(all))
	if len(messages) != len(all) {
		t.Errorf("%d messages of %d records", len(messages), len(all))
	}
}
