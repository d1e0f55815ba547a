//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A kubeAPI is as much of a Kubernetes API server as who watches the pods of a
// node needs.
type kubeAPI struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	version  int
	pods     map[string]pod // by uid
	watchers []chan podChange
}

// A pod is one of the node.
type pod struct {
	name, namespace, uid, node string
	replicaSet                 string // that made it
	container, image           string
	id                         string // of the container, with its engine; "" before that tells it
}

// A podChange is what a watcher is told.
type podChange struct {
	Type   string `json:"type"`
	Object any    `json:"object"`
}

const (
	nodeName = "node-1"
	token    = "let me in"
)

func newKubeAPI(t *testing.T) *kubeAPI {
	k := &kubeAPI{t: t, pods: make(map[string]pod)}
	k.Server = httptest.NewUnstartedServer(k)
	k.StartTLS()
	t.Cleanup(func() {
		k.CloseClientConnections() // watchers stay else
		k.Close()
	})
	return k
}

// kubeconfig is a file for clients.
func (k *kubeAPI) kubeconfig() string {
	k.t.Helper()
	config := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": k.URL, "insecure-skip-tls-verify": true}}},
		"users":    []any{map[string]any{"name": "test", "user": map[string]any{"token": token}}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test"}}},
	}
	content, err := json.Marshal(config)
	fatal(k.t, err)
	file := filepath.Join(k.t.TempDir(), "kubeconfig")
	fatal(k.t, os.WriteFile(file, content, 0o600))
	return file
}

// set has a pod be so, and tells watchers.
func (k *kubeAPI) set(p pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version++
	kind := "ADDED"
	if _, there := k.pods[p.uid]; there {
		kind = "MODIFIED"
	}
	k.pods[p.uid] = p
	for _, w := range k.watchers {
		w <- podChange{kind, k.object(p)}
	}
}

// object is a pod as the API has it.
func (k *kubeAPI) object(p pod) map[string]any {
	status := map[string]any{"phase": "Running", "startTime": "2026-01-02T03:04:05Z"}
	if p.id != "" {
		status["containerStatuses"] = []any{map[string]any{
			"name": p.container, "image": p.image, "containerID": p.id, "ready": true, "restartCount": 0,
		}}
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{
			"name": p.name, "namespace": p.namespace, "uid": p.uid, "resourceVersion": fmt.Sprint(k.version),
			"creationTimestamp": "2026-01-02T03:04:05Z",
			"labels":            map[string]any{"pod-template-hash": p.replicaSet[strings.LastIndexByte(p.replicaSet, '-')+1:]},
			"ownerReferences": []any{map[string]any{
				"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": p.replicaSet, "uid": "rs-" + p.uid, "controller": true,
			}},
		},
		"spec": map[string]any{
			"nodeName": p.node, "containers": []any{map[string]any{"name": p.container, "image": p.image}},
		},
		"status": status,
	}
}

// ServeHTTP lists or watches the pods of the node, and nothing else.
func (k *kubeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, "who are you?", http.StatusUnauthorized)
	case r.URL.Path != "/api/v1/pods" || r.Method != http.MethodGet || query.Get("fieldSelector") != "spec.nodeName="+nodeName:
		k.t.Errorf("%s %s: more than the pods of its node was asked for", r.Method, r.URL)
		http.Error(w, "that is not for you", http.StatusForbidden)
	case query.Get("watch") != "":
		k.watch(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(k.list())
	}
}

func (k *kubeAPI) list() any {
	k.mu.Lock()
	defer k.mu.Unlock()
	items := []any{}
	for _, p := range k.pods {
		items = append(items, k.object(p))
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "PodList", "metadata": map[string]any{"resourceVersion": fmt.Sprint(k.version)}, "items": items,
	}
}

// watch tells changes until the client goes; first, if it wants so, what there is.
func (k *kubeAPI) watch(w http.ResponseWriter, r *http.Request) {
	changes := make(chan podChange, 100)
	k.mu.Lock()
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, p := range k.pods {
			changes <- podChange{"ADDED", k.object(p)}
		}
		changes <- podChange{"BOOKMARK", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{
			"resourceVersion": fmt.Sprint(k.version), "annotations": map[string]any{"k8s.io/initial-events-end": "true"},
		}}}
	}
	k.watchers = append(k.watchers, changes)
	k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	for {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case change := <-changes:
			if json.NewEncoder(w).Encode(change) != nil {
				return
			}
		}
	}
}
