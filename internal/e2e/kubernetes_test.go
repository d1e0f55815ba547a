//go:build e2e

package e2e

import (
	"compress/gzip"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
)

// A cluster is a node with pods, and who takes what is told of these.
type cluster struct {
	*rig
	api *kubeAPI

	mu  sync.Mutex
	ran map[string][]map[string]any // the resources of records of programs run, by container
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{rig: newLoads(t), api: newKubeAPI(t), ran: make(map[string][]map[string]any)}
	gateway := httptest.NewServer(c)
	t.Cleanup(gateway.Close)
	metrics, own := freeAddress(t), freeAddress(t)
	_, port, err := net.SplitHostPort(own)
	fatal(t, err)
	cmd := command("--config", "examples/kubernetes.yaml", "--config", "yaml:receivers::ebpfsecurity::events::batch::max_age: 200ms",
		"--config", "yaml:receivers::ebpfsecurity::events::only::executables: ["+c.dir+"/]",
		"--config", "yaml:receivers::ebpfsecurity::process::world_writable_dirs: [/var/tmp]")
	cmd.Env = append(os.Environ(), "HOST_ROOT=/", "K8S_AUTH_TYPE=kubeConfig", "KUBECONFIG="+c.api.kubeconfig(), "KUBE_NODE_NAME="+nodeName,
		"OTLP_ENDPOINT="+gateway.URL, "METRICS_ENDPOINT="+metrics, "OTELCOL_METRICS_PORT="+port, "OTLP_QUEUE_DIR="+c.dir+"/queue")
	c.collector = startCommand(t, cmd, "http://"+metrics+"/metrics")
	return c
}

// ServeHTTP takes records as a gateway does.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	logs, err := unzipped(r.Body)
	if err != nil {
		c.Errorf("what arrived is not OTLP: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rl := range logs.ResourceLogs().All() {
		for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
			if r.EventName() == "ebpfsecurity.process.exec" && text(r.Attributes(), "process.executable.path") == c.runs {
				id := text(rl.Resource().Attributes(), "container.id")
				c.ran[id] = append(c.ran[id], rl.Resource().Attributes().AsRaw())
			}
		}
	}
}

func unzipped(body io.Reader) (plog.Logs, error) {
	text, err := gzip.NewReader(body)
	if err != nil {
		return plog.NewLogs(), err
	}
	content, err := io.ReadAll(text)
	if err != nil {
		return plog.NewLogs(), err
	}
	return (&plog.ProtoUnmarshaler{}).UnmarshalLogs(content)
}

// runIn runs a program in a container and gives the resource of its record.
func (c *cluster) runIn(container string, cgroups []string) map[string]any {
	c.Helper()
	before := len(c.told(container))
	c.cgroups = cgroups
	c.do("runOne", c.runs)
	eventually(c.T, "a record of the program", func() bool { return len(c.told(container)) > before })
	return c.told(container)[before]
}

func (c *cluster) told(container string) []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ran[container]
}

// inPod is the path of the cgroup of a container of a pod.
func inPod(p pod, container string) string {
	slice := "kubepods-burstable-pod" + strings.ReplaceAll(p.uid, "-", "_") + ".slice"
	return "kubepods.slice/kubepods-burstable.slice/" + slice + "/cri-containerd-" + container + ".scope"
}

// TestKubernetesNamesPods: records of what is run in containers name their pods.
func TestKubernetesNamesPods(t *testing.T) {
	c := newCluster(t)
	web, starting := newContainerID(), newContainerID()
	shop := pod{
		name: "shop-6c45f8d6f6-abcde", namespace: "sales", uid: "2b0b1f3e-0000-4000-8000-1234567890ab", node: nodeName,
		replicaSet: "shop-6c45f8d6f6", container: "web", image: "registry.example.com/shop:1.2", id: "containerd://" + web,
	}
	c.api.set(shop)
	known := map[string]any{
		"k8s.node.name": nodeName, "k8s.cluster.name": "kubernetes", "k8s.namespace.name": "sales", "k8s.pod.name": shop.name, "k8s.pod.uid": shop.uid,
		"k8s.deployment.name": "shop", "k8s.pod.start_time": "2026-01-02T03:04:05Z", "container.id": web, "k8s.container.name": "web",
		"container.image.name": "registry.example.com/shop", "container.image.tag": "1.2",
	}
	inShop := newCgroup(t, inPod(shop, web))
	eventually(t, "a collector that knows the pods", func() bool { return c.runIn(web, inShop)["k8s.pod.name"] != nil })
	c.named("a container", c.runIn(web, inShop), known)

	// Its cgroup tells no pod: only the container's id does.
	c.named("a container known by its id", c.runIn(web, newCgroup(t, "docker-"+web+".scope")), known)

	// The API does not know the container yet: only the pod's uid tells.
	next := shop
	next.name, next.uid, next.id = "shop-6c45f8d6f6-fghij", "5f0b1f3e-0000-4000-8000-1234567890cd", ""
	c.api.set(next)
	inNext := newCgroup(t, inPod(next, starting))
	of := map[string]any{"k8s.pod.name": next.name, "k8s.pod.uid": next.uid, "container.id": starting}
	eventually(t, "a collector that knows the new pod", func() bool { return c.runIn(starting, inNext)["k8s.pod.name"] != nil })
	c.named("a container that starts", c.runIn(starting, inNext),
		less(with(known, of), "k8s.container.name", "container.image.name", "container.image.tag"))
	next.id = "containerd://" + starting
	c.api.set(next)
	eventually(t, "a collector that knows the new container", func() bool { return c.runIn(starting, inNext)["k8s.container.name"] != nil })
	c.named("a container that started", c.runIn(starting, inNext), with(known, of))

	c.named("the node", c.runIn("", nil), map[string]any{"k8s.node.name": nodeName, "k8s.cluster.name": "kubernetes"})
	c.stop(t)
}

// named compares the resource of a record with what it must be.
func (c *cluster) named(what string, got, want map[string]any) {
	c.Helper()
	c.Logf("%s: %v", what, got)
	if !maps.Equal(got, want) {
		c.Errorf("%s: %v instead of %v", what, got, want)
	}
}

func with(m, more map[string]any) map[string]any {
	m = maps.Clone(m)
	maps.Copy(m, more)
	return m
}

func less(m map[string]any, keys ...string) map[string]any {
	m = maps.Clone(m)
	for _, key := range keys {
		delete(m, key)
	}
	return m
}
