//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGateways: from the agent through two gateways to a file, with certificates
// on both ways, though the first gateway is killed and started again.
func TestGateways(t *testing.T) {
	r, certs := newLoads(t), newCertificates(t)
	tl := newTail(t, certs)
	grpc, web := freeAddress(t), freeAddress(t)
	env := slices.Concat(certs.client(), certs.server(), []string{
		"GATEWAY_GRPC=" + grpc, "GATEWAY_HTTP=" + web, "GATEWAY_NEXT=" + tl.grpc,
		"GATEWAY_QUEUE_DIR=" + filepath.Join(t.TempDir(), "queue"), "SITE=test site",
	})
	gateway := startExample(t, env, "examples/gateway.yaml", "examples/gateway-tls.yaml")
	refusesStrangers(t, certs, web)

	r.watch(append(certs.client(), "GATEWAY="+grpc, "OTLP_QUEUE_DIR="+filepath.Join(r.dir, "queue")), "examples/gateway-agent.yaml")
	load := r.begin("openEach", filepath.Dir(r.watched))
	eventually(t, "opens that arrive", func() bool { return tl.arrived().classes["file_open"] >= 2000 })
	fatal(t, gateway.cmd.Process.Kill())
	<-gateway.ended
	was := r.reportedOpens()
	eventually(t, "opens that wait", func() bool { return r.reportedOpens() >= was+2000 })
	startExample(t, env, "examples/gateway.yaml", "examples/gateway-tls.yaml")
	opens := load.did()["file_open"]
	execs := r.do("runEach", r.runs, "0", "300")["exec"]
	l := r.settledTo(opens, execs+2)
	eventually(t, "as many records as were reported", func() bool { return tl.arrived().agrees(l) })
	t.Logf("the ledger:\n%s", l.table(&tl.arrivals))
	tl.hasEach(r, opens, execs)
	r.inOrder(tl.opened)
	if tl.sites["test site"] != uint64(len(tl.seen)) {
		t.Errorf("of %d records, by site: %v", len(tl.seen), tl.sites)
	}
	r.stop(t)

	look := exec.Command("sh", "-c", commented(t, "gateway-tail.yaml")[0])
	look.Dir = tl.dir
	page, err := look.Output()
	fatal(t, err)
	t.Logf("%s: %d lines, such as %.200s", look.Args[2], bytes.Count(page, []byte("\n")), page)
	if n := bytes.Count(page, []byte("\n")); n != len(tl.seen)+int(tl.again) {
		t.Errorf("%d lines of %d records", n, len(tl.seen)+int(tl.again))
	}
}

// refusesStrangers: who has no certificate of the authority sends nothing.
func refusesStrangers(t *testing.T, c certificates, address string) {
	t.Helper()
	ca, err := os.ReadFile(c.ca)
	fatal(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in " + c.ca)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	response, err := client.Post("https://"+address+"/v1/logs", "application/json", strings.NewReader("{}"))
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("the gateway answers %s to a client without a certificate", response.Status)
	}
	t.Logf("a client without a certificate: %v", err)
}

// inOrder: sorted by time the opens are in the order in which they were made,
// whatever overtook what on the way.
func (r *rig) inOrder(all []opened) {
	r.Helper()
	overtaken := 0
	for i := 1; i < len(all); i++ {
		if all[i].at.Before(all[i-1].at) {
			overtaken++
		}
	}
	slices.SortStableFunc(all, func(a, b opened) int { return a.at.Compare(b.at) })
	for n, o := range all {
		if o.path != r.numbered(uint64(n)) {
			r.Fatalf("by time, %s is number %d", o.path, n)
		}
	}
	r.Logf("%d of %d opens arrived before an earlier one; by time all are in order", overtaken, len(all))
}
