//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// An ecs is what the Elastic Common Schema says.
type ecs struct {
	Version    string
	Fields     map[string]string
	Kinds      []string
	Outcomes   []string
	Directions []string
	Categories map[string][]string
}

// readSchema reads a file of testdata.
func readSchema[T any](t *testing.T, file string) (schema T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	fatal(t, err)
	fatal(t, yaml.Unmarshal(content, &schema))
	return schema
}

// own is what our fields that ECS has no name for begin with.
const own = "ebpfsecurity."

// faults finds what ECS would not have of an object, and what every one of ours has.
func (e *ecs) faults(object map[string]any) (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for field, v := range object {
		kind, known := e.Fields[field]
		switch {
		case known && !ecsFits(kind, v):
			fault("%s is no %s: %v", field, kind, v)
		case !known && !strings.HasPrefix(field, own):
			fault("ECS has no field %s", field)
		case !known && !plain(v):
			fault("%s is not flat: %v", field, v)
		}
		for other := range object {
			if strings.HasPrefix(other, field+".") {
				fault("%s is a value, and %s lies below it", field, other)
			}
		}
	}
	for _, field := range []string{
		"@timestamp", "ecs.version", "message", "log.level", "host.name", "agent.type", "event.id", "event.kind", "event.action",
		"event.module", "event.dataset", "event.created", "event.severity",
	} {
		if object[field] == nil {
			fault("no %s", field)
		}
	}
	if object["ecs.version"] != e.Version {
		fault("ecs.version is %v", object["ecs.version"])
	}
	return append(list, e.categoryFaults(object)...)
}

// categoryFaults looks at the fields that have a few allowed values.
func (e *ecs) categoryFaults(object map[string]any) (list []string) {
	for field, allowed := range map[string][]string{
		"event.kind": e.Kinds, "event.outcome": e.Outcomes, "network.direction": e.Directions,
		"event.category": slices.Collect(maps.Keys(e.Categories)),
	} {
		for _, v := range texts(object[field]) {
			if !slices.Contains(allowed, v) {
				list = append(list, fmt.Sprintf("%s is %s", field, v))
			}
		}
	}
	for _, category := range texts(object["event.category"]) {
		for _, kind := range texts(object["event.type"]) {
			if !slices.Contains(e.Categories[category], kind) {
				list = append(list, fmt.Sprintf("nobody expects the type %s of the category %s", kind, category))
			}
		}
	}
	if object["event.kind"] == "event" && (len(texts(object["event.category"])) == 0 || len(texts(object["event.type"])) == 0) {
		list = append(list, "no category or type")
	}
	return list
}

// ecsFits tells whether a value of JSON is of a type of Elasticsearch.
func ecsFits(kind string, v any) bool {
	if element, isList := strings.CutPrefix(kind, "[]"); isList {
		values, ok := v.([]any)
		return ok && len(values) > 0 && !slices.ContainsFunc(values, func(v any) bool { return !ecsFits(element, v) })
	}
	if kind == "long" {
		_, ok := whole(v)
		return ok
	}
	if kind == "boolean" {
		_, ok := v.(bool)
		return ok
	}
	s, ok := v.(string)
	switch kind {
	case "date":
		_, err := time.Parse(time.RFC3339Nano, s)
		return ok && err == nil
	case "ip":
		_, err := netip.ParseAddr(s)
		return ok && err == nil
	case "keyword", "wildcard", "match_only_text":
		return ok
	}
	return false
}

// plain tells whether a value is none that has others below it.
func plain(v any) bool {
	switch v := v.(type) {
	case string, bool, json.Number:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { _, list := v.([]any); return list || !plain(v) })
	}
	return false
}

// whole is a number of JSON without a fraction.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// texts are the elements of a list, or the one text.
func texts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, element := range v {
			list = append(list, fmt.Sprint(element))
		}
	}
	return list
}
