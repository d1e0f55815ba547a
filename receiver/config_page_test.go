package receiver

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/ebpfsecurity/ebpfsecurityreceiver/receiver/internal/metadata"
)

// TestConfigurationIsDocumented writes, with -update, the page of all keys: from
// the config's structs, their comments, the defaults, and what Validate refuses.
func TestConfigurationIsDocumented(t *testing.T) {
	r := newConfigPage(t)
	r.group("", "Config", reflect.TypeFor[Config](), "")
	r.watchList()
	page := filepath.Join("..", "docs", "configuration.md")
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(r.text.String()), 0o600))
	}
	want, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(want), r.text.String(), "run: go test ./receiver -run TestConfigurationIsDocumented -update")
	for _, key := range r.defaults.AllKeys() {
		known := r.told[key] || strings.HasPrefix(key, "metrics::") || strings.HasPrefix(key, "resource_attributes::")
		assert.True(t, known, "%s has a default and no row", key)
	}
}

// A configPage is the page while it is written.
type configPage struct {
	t        *testing.T
	text     strings.Builder
	comments comments
	defaults *confmap.Conf
	told     map[string]bool // keys
}

const configPageBegin = `# Configuration

<!-- Made from the structs of the configuration: go test ./receiver -run TestConfigurationIsDocumented -update -->

All keys of the receiver ` + "`ebpfsecurity`" + `, with ` + "`::`" + ` between the levels as in the collector's messages. All have defaults.
` + "`otelcol-ebpfsecurity validate --config FILE`" + ` names every mistake in a file with the path of its key.
A path has at most 255 bytes, no ` + "`..`" + ` and no ` + "`//`" + `. A size is a number of bytes, or of ` + "`KiB`" + ` or ` + "`MiB`" + `.

The metrics that can be switched, and the attributes of log records, are in [receiver/documentation.md](../receiver/documentation.md);
the checks and their rules in [checks.md](checks.md). What the keys mean together is told in [README.md](../README.md).
`

func newConfigPage(t *testing.T) *configPage {
	r := &configPage{t: t, comments: readComments(t), defaults: confmap.New(), told: make(map[string]bool)}
	require.NoError(t, r.defaults.Marshal(newDefaultConfig()))
	r.text.WriteString(configPageBegin)
	return r
}

// group writes the keys of a struct, and then the structs in it.
func (r *configPage) group(prefix, name string, of reflect.Type, meaning string) {
	var groups []func()
	var rows []string
	r.eachField(of, func(f reflect.StructField, in string) {
		key := prefix + f.Tag.Get("mapstructure")
		comment := r.comments.field(in, f.Name)
		switch {
		case f.Type.Kind() != reflect.Struct:
			rows = append(rows, r.row(key, f.Type, comment))
		case isSwitch(f.Type):
			rows = append(rows, r.row(key+"::enabled", reflect.TypeFor[bool](), comment))
		case f.Type == reflect.TypeFor[metadata.MetricsConfig]() || f.Type == reflect.TypeFor[metadata.ResourceAttributesConfig]():
			groups = append(groups, func() { r.switches(key, f.Type) })
		default:
			groups = append(groups, func() { r.group(key+"::", f.Type.Name(), f.Type, comment) })
		}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			groups = append(groups, func() { r.group(key+"::N::", f.Type.Elem().Name(), f.Type.Elem(), "") })
		}
	})
	if meaning == "" {
		meaning = r.comments.meaning(name)
	}
	if prefix != "" {
		fmt.Fprintf(&r.text, "\n## %s\n\n%s\n", strings.TrimSuffix(prefix, "::"), meaning)
	}
	if len(rows) > 0 {
		fmt.Fprintf(&r.text, "\n| key | default | takes | |\n|---|---|---|---|\n%s", strings.Join(rows, ""))
	}
	for _, write := range groups {
		write()
	}
}

// isSwitch says whether a struct has no key but enabled.
func isSwitch(of reflect.Type) bool {
	return of.NumField() == 1 && of.Field(0).Tag.Get("mapstructure") == "enabled"
}

// eachField visits the fields that have keys, those of squashed structs as if they were of's own.
func (r *configPage) eachField(of reflect.Type, visit func(f reflect.StructField, in string)) {
	for i := range of.NumField() {
		f := of.Field(i)
		tag, squash := strings.CutSuffix(f.Tag.Get("mapstructure"), ",squash")
		switch {
		case squash:
			r.eachField(f.Type, visit)
		case tag != "" && tag != "-":
			visit(f, of.Name())
		case f.Name != "_":
			r.t.Errorf("%s.%s has no key", of.Name(), f.Name)
		}
	}
}

// row is the line of one key.
func (r *configPage) row(key string, of reflect.Type, meaning string) string {
	r.told[key] = true
	if meaning == "" {
		r.t.Errorf("%s has no comment", key)
	}
	value := "`" + r.value(key) + "`"
	switch {
	case key == "file::watch":
		value = "[see below](#watched-files)"
	case strings.Contains(key, "::N::"):
		value = ""
	case value == "``":
		value = "empty"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", key, value, r.takes(of), meaning)
}

// value is the default of a key as it would be written.
func (r *configPage) value(key string) string {
	v := r.defaults.Get(key)
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprint(v[i])
		}
		if len(v) == 0 {
			return ""
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case map[string]any:
		return ""
	}
	return fmt.Sprint(v)
}

// switches writes what is switched by name.
func (r *configPage) switches(key string, of reflect.Type) {
	var off []string
	for i := range of.NumField() {
		name := of.Field(i).Tag.Get("mapstructure")
		if r.defaults.Get(key+"::"+name+"::enabled") == false {
			off = append(off, "`"+name+"`")
		}
	}
	value := "`true`"
	if off != nil {
		value += "; `false` for " + strings.Join(off, ", ")
	}
	fmt.Fprintf(&r.text, "\n## %s\n\n%s\n\n| key | default | takes | |\n|---|---|---|---|\n| `%s::NAME::enabled` | %s | true or false | %s |\n",
		key, switched[key][0], key, value, switched[key][1])
}

// switched is what is switched by name, and what the switch says.
var switched = map[string][2]string{
	"metrics": {
		"Each metric of [receiver/documentation.md](../receiver/documentation.md) has a switch.",
		"Whether the metric is emitted.",
	},
	"resource_attributes": {
		"What the resource of a log record has: `container.id` and `k8s.pod.uid`. The collector knows filters beside `enabled`\n" +
			"(`metrics_include` and its like), which do nothing here: `events::exclude` and `events::only` are for that.",
		"Whether log records have the attribute.",
	},
}

// watchList writes the default list of watched files.
func (r *configPage) watchList() {
	r.text.WriteString("\n## Watched files\n\nThe default of `file::watch`:\n\n| path | severity | operation |\n|---|---|---|\n")
	for _, w := range defaultWatchList() {
		operation := w.Operation
		if operation.isAny() {
			operation = anyOperation
		}
		fmt.Fprintf(&r.text, "| `%s` | %s | %s |\n", w.Path, w.Severity, operation)
	}
}

// takes says which values a key takes: what Validate wants, or what the type's comment says.
func (r *configPage) takes(of reflect.Type) string {
	switch {
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		return "a list, see below"
	case of.Kind() == reflect.Slice:
		return "a list; each " + r.takes(of.Elem())
	case of.Kind() == reflect.Map:
		return "a map to: " + r.takes(of.Elem())
	case of.Kind() == reflect.Bool:
		return "true or false"
	case of.PkgPath() == "time":
		return "a duration"
	case of.PkgPath() == "":
		return map[reflect.Kind]string{reflect.String: "text", reflect.Float64: "a number"}[of.Kind()]
	}
	limits := limits(of)
	if limits == "" {
		limits = strings.TrimSuffix(r.comments.meaning(of.Name()), ".")
		limits = strings.ToLower(limits[:1]) + limits[1:]
	}
	if of.Kind() == reflect.Int64 {
		limits = "a duration " + limits
	}
	return limits
}

// limits are what Validate says a value of the type must be, "" if it says no such thing.
func limits(of reflect.Type) string {
	v := reflect.New(of)
	switch of.Kind() {
	case reflect.String:
		v.Elem().SetString("?")
	case reflect.Int64:
		v.Elem().SetInt(-1)
	case reflect.Uint32:
		v.Elem().SetUint(1<<32 - 1)
	case reflect.Uint64:
		v.Elem().SetUint(1<<64 - 1)
	}
	valid, ok := v.Interface().(confmap.Validator)
	if !ok {
		return ""
	}
	err := valid.Validate()
	if err == nil {
		return ""
	}
	found := wanted.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	return found[1]
}

var wanted = regexp.MustCompile(`^must be (.*), not [^,]*$`)
