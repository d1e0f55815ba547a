//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are an authority, and what it signed: one for 127.0.0.1, which
// serves and asks alike.
type certificates struct{ ca, cert, key string }

func newCertificates(t *testing.T) certificates {
	t.Helper()
	dir := t.TempDir()
	c := certificates{filepath.Join(dir, "ca.crt"), filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	host := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test host"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	caKey, hostKey := newKey(t), newKey(t)
	sign(t, c.ca, ca, ca, &caKey.PublicKey, caKey)
	sign(t, c.cert, host, ca, &hostKey.PublicKey, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(hostKey)
	fatal(t, err)
	writePEM(t, c.key, "PRIVATE KEY", der)
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	return key
}

func sign(t *testing.T, path string, what, by *x509.Certificate, key *ecdsa.PublicKey, with *ecdsa.PrivateKey) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, what, by, key, with)
	fatal(t, err)
	writePEM(t, path, "CERTIFICATE", der)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	fatal(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// client is the environment of who sends.
func (c certificates) client() []string {
	return []string{"OTLP_CA_FILE=" + c.ca, "OTLP_CERT_FILE=" + c.cert, "OTLP_KEY_FILE=" + c.key}
}

// server is the environment of who takes.
func (c certificates) server() []string {
	return []string{"TLS_CLIENT_CA_FILE=" + c.ca, "TLS_CERT_FILE=" + c.cert, "TLS_KEY_FILE=" + c.key}
}
