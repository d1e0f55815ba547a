//go:build e2e

package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const kubernetes = "examples/deploy/kubernetes/ebpfsecurity.yaml"

// A manifest is what the tests want to know of Kubernetes objects.
type manifest struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	Rules    []rbacRule
	Subjects []struct{ Kind, Name, Namespace string }
	RoleRef  struct{ Kind, Name string }
	Spec     struct{ Template struct{ Spec podSpec } }
}

type rbacRule struct{ APIGroups, Resources, Verbs []string }

type podSpec struct {
	ServiceAccountName   string
	HostPID, HostNetwork bool
	Containers           []podContainer
	Volumes              []podVolume
}

type podVolume struct {
	Name      string
	HostPath  *struct{ Path, Type string }
	ConfigMap *struct{ Name string }
}

type podContainer struct {
	Args []string
	Env  []struct {
		Name, Value string
		ValueFrom   *struct{ FieldRef struct{ FieldPath string } }
	}
	SecurityContext struct {
		Privileged, AllowPrivilegeEscalation *bool
		ReadOnlyRootFilesystem               bool
		RunAsUser                            *int
		Capabilities                         struct{ Add, Drop []string }
	}
	VolumeMounts []struct {
		Name, MountPath string
		ReadOnly        bool
	}
	StartupProbe, LivenessProbe struct {
		HTTPGet struct {
			Host, Path string
			Port       int
		}
	}
}

// readManifests reads them strictly: a field that Kubernetes does not have is a mistake.
func readManifests(t *testing.T) map[string]manifest {
	t.Helper()
	cmd := exec.Command("manifest", kubernetes)
	cmd.Dir, cmd.Stderr = "../..", os.Stderr
	text, err := cmd.Output()
	fatal(t, err)
	var list []manifest
	fatal(t, json.Unmarshal(text, &list))
	byKind := make(map[string]manifest)
	for _, m := range list {
		byKind[m.Kind] = m
	}
	return byKind
}

// container is what the kubelet makes of a pod. The directories that are
// written are others, below dir.
func (p podSpec) container(t *testing.T, i image, configs map[string]string, dir string) container {
	t.Helper()
	asked := p.Containers[0]
	s := asked.SecurityContext
	if s.Privileged != nil || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || s.RunAsUser == nil {
		t.Errorf("the security context is %+v", s)
	}
	c := container{
		image: i, readOnly: s.ReadOnlyRootFilesystem, noNewRights: s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation,
		hostPID: p.HostPID, hostNetwork: p.HostNetwork,
	}
	c.args = append(slices.Clone(i.args[:1]), asked.Args...)
	c.user = fmt.Sprint(*s.RunAsUser)
	for _, right := range s.Capabilities.Add {
		c.rights = append(c.rights, "CAP_"+right)
	}
	fields := map[string]string{"spec.nodeName": "node-1", "status.hostIP": "127.0.0.1"}
	for _, e := range asked.Env {
		if e.ValueFrom != nil {
			e.Value = fields[e.ValueFrom.FieldRef.FieldPath]
		}
		c.env = append(c.env, e.Name+"="+e.Value)
	}
	for _, m := range asked.VolumeMounts {
		v := p.Volumes[slices.IndexFunc(p.Volumes, func(v podVolume) bool { return v.Name == m.Name })]
		c.binds = append(c.binds, v.bind(t, m.MountPath, !m.ReadOnly, configs, filepath.Join(dir, v.Name)))
	}
	return c
}

func (v podVolume) bind(t *testing.T, to string, writable bool, configs map[string]string, dir string) bind {
	t.Helper()
	b := bind{From: dir, To: to, Writable: writable}
	fatal(t, os.MkdirAll(dir, 0o755))
	if v.ConfigMap != nil {
		for name, text := range configs {
			fatal(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
	if v.HostPath != nil && !writable {
		b.From = v.HostPath.Path
	}
	return b
}

// TestKubernetes runs on this machine what the DaemonSet runs on a node, beside
// an API server that knows of no pod, and grants what the ClusterRole does.
func TestKubernetes(t *testing.T) {
	objects := readManifests(t)
	for kind, m := range objects {
		t.Logf("%s %s", kind, m.Metadata.Name)
	}
	p := objects["DaemonSet"].Spec.Template.Spec
	account, binding, role := objects["ServiceAccount"], objects["ClusterRoleBinding"], objects["ClusterRole"]
	if p.ServiceAccountName != account.Metadata.Name || binding.Subjects[0].Name != account.Metadata.Name ||
		binding.Subjects[0].Namespace != account.Metadata.Namespace || binding.RoleRef.Name != role.Metadata.Name {
		t.Error("the pods do not have the role")
	}
	if p.Volumes[slices.IndexFunc(p.Volumes, func(v podVolume) bool { return v.ConfigMap != nil })].ConfigMap.Name != objects["ConfigMap"].Metadata.Name {
		t.Error("the pods do not have the config")
	}
	r := newLoads(t)
	r.consumer = newSink(t)
	api := newAPI(t, role.Rules)
	c := p.container(t, buildImage(t, os.Getenv("BIN")), objects["ConfigMap"].Data, t.TempDir())
	c.env = append(c.env, "OTLP_ENDPOINT="+r.consumer.URL)
	c.env = append(c.env, api.env()...)
	c.binds = append(c.binds, bind{From: api.secrets(), To: "/var/run/secrets/kubernetes.io/serviceaccount"})
	metrics, health, own := freeAddress(t), freeAddress(t), freeAddress(t)
	_, port, err := net.SplitHostPort(own)
	fatal(t, err)
	c.args = append(c.args, "--config", "yaml:exporters::prometheus::endpoint: "+metrics,
		"--config", "yaml:extensions::healthcheckv2::http::endpoint: "+health,
		"--config", "yaml:service::telemetry::metrics::readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "+port+"}}}}]")
	r.own = "http://" + own + "/metrics"
	r.watchContained(c, "http://"+metrics+"/metrics", func() {
		asked := p.Containers[0]
		for _, probe := range []string{asked.StartupProbe.HTTPGet.Path, asked.LivenessProbe.HTTPGet.Path} {
			if _, err := get("http://" + health + probe); err != nil {
				t.Errorf("the kubelet's probe %s: %v", probe, err)
			}
		}
		api.agrees()
	})
}

// An api is an API server of Kubernetes, for those who list and watch.
type api struct {
	*httptest.Server
	t     *testing.T
	rules []rbacRule
	ended chan struct{}

	mu    sync.Mutex
	asked map[string]bool // "verb group/resource", and whether it was granted
}

func newAPI(t *testing.T, rules []rbacRule) *api {
	a := &api{t: t, rules: rules, ended: make(chan struct{}), asked: make(map[string]bool)}
	a.Server = httptest.NewTLSServer(a)
	t.Cleanup(func() {
		close(a.ended)
		a.Close()
	})
	return a
}

// env is how a pod finds it.
func (a *api) env() []string {
	u, err := url.Parse(a.URL)
	fatal(a.t, err)
	return []string{"KUBERNETES_SERVICE_HOST=" + u.Hostname(), "KUBERNETES_SERVICE_PORT=" + u.Port()}
}

// secrets are what a pod has of its service account.
func (a *api) secrets() string {
	dir := a.t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	for name, content := range map[string][]byte{"token": []byte("secret"), "ca.crt": ca, "namespace": []byte("ebpfsecurity")} {
		fatal(a.t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	return dir
}

// ServeHTTP answers that there is nothing, and waits with those who watch.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api/v1/pods, apis/apps/v1/replicasets
	group, version := "", path[1]
	if path[0] == "apis" {
		group, version = path[1], path[1]+"/"+path[2]
	}
	resource, verb := path[len(path)-1], "list"
	if r.URL.Query().Get("watch") != "" {
		verb = "watch"
	}
	if !a.grants(verb, group, resource) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	kind := map[string]string{"pods": "Pod", "namespaces": "Namespace", "replicasets": "ReplicaSet"}[resource]
	if verb == "list" {
		fmt.Fprintf(w, `{"kind":"%sList","apiVersion":%q,"metadata":{"resourceVersion":"1"},"items":[]}`, kind, version)
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"1",`+
			`"annotations":{"k8s.io/initial-events-end":"true"}}}}`+"\n", kind, version)
	}
	w.(http.Flusher).Flush()
	select {
	case <-r.Context().Done():
	case <-a.ended:
	}
}

func (a *api) grants(verb, group, resource string) bool {
	granted := slices.ContainsFunc(a.rules, func(r rbacRule) bool {
		return slices.Contains(r.Verbs, verb) && slices.Contains(r.APIGroups, group) && slices.Contains(r.Resources, resource)
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[verb+" "+group+"/"+resource] = granted
	return granted
}

// agrees: the role grants what the sensor asks for, and nothing that it does not.
func (a *api) agrees() {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.t.Logf("the API server was asked, and granted: %v", a.asked)
	used := make(map[string]bool)
	for ask, granted := range a.asked {
		if !granted {
			a.t.Errorf("the role does not grant: %s", ask)
		}
		used[ask[strings.Index(ask, " ")+1:]] = true
	}
	for _, r := range a.rules {
		for _, resource := range r.Resources {
			if !used[r.APIGroups[0]+"/"+resource] {
				a.t.Errorf("nobody asked for %s, which the role grants", resource)
			}
		}
	}
}
