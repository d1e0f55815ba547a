// Command manifest reads Kubernetes manifests as an API server would that takes
// no field it does not know, and prints the objects as JSON.
package main

import (
	"bufio"
	encoding "encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	names "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func main() {
	objects := []any{}
	for _, path := range os.Args[1:] {
		found, err := read(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
		objects = append(objects, found...)
	}
	if err := encoding.NewEncoder(os.Stdout).Encode(objects); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) (objects []any, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	documents := kubeyaml.NewYAMLReader(bufio.NewReader(file))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := decode(text)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
}

// kinds are what is used here. Their groups and versions are in the cluster's own words.
var kinds = map[metav1.TypeMeta]func() runtime.Object{
	{APIVersion: "v1", Kind: "Namespace"}:                                    func() runtime.Object { return &corev1.Namespace{} },
	{APIVersion: "v1", Kind: "ServiceAccount"}:                               func() runtime.Object { return &corev1.ServiceAccount{} },
	{APIVersion: "v1", Kind: "ConfigMap"}:                                    func() runtime.Object { return &corev1.ConfigMap{} },
	{APIVersion: "apps/v1", Kind: "DaemonSet"}:                               func() runtime.Object { return &appsv1.DaemonSet{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}:        func() runtime.Object { return &rbacv1.ClusterRole{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"}: func() runtime.Object { return &rbacv1.ClusterRoleBinding{} },
}

func decode(text []byte) (runtime.Object, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return nil, err
	}
	make, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("unknown kind %q of %q", kind.Kind, kind.APIVersion)
	}
	o := make()
	text, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind.Kind, err)
	}
	unknown, err := json.UnmarshalStrict(text, o)
	if err = errors.Join(append(unknown, err)...); err != nil {
		return nil, fmt.Errorf("%s: %w", kind.Kind, err)
	}
	if err := check(o); err != nil {
		return nil, fmt.Errorf("%s: %w", kind.Kind, err)
	}
	return o, nil
}

// check looks at names and labels, which types alone do not.
func check(o runtime.Object) error {
	meta, ok := o.(metav1.Object)
	if !ok {
		return errors.New("an object without metadata")
	}
	var errs []error
	for _, problem := range names.IsDNS1123Subdomain(meta.GetName()) {
		errs = append(errs, errors.New("name: "+problem))
	}
	at := field.NewPath("metadata", "labels")
	if list := validation.ValidateLabels(meta.GetLabels(), at); len(list) > 0 {
		errs = append(errs, list.ToAggregate())
	}
	if d, ok := o.(*appsv1.DaemonSet); ok {
		errs = append(errs, checkDaemonSet(d))
	}
	return errors.Join(errs...)
}

func checkDaemonSet(d *appsv1.DaemonSet) error {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return err
	}
	if selector.Empty() || !selector.Matches(labelSet(d.Spec.Template.Labels)) {
		return errors.New("the selector does not match the pods")
	}
	volumes := map[string]bool{}
	for _, v := range d.Spec.Template.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				return fmt.Errorf("container %s mounts %s, which is no volume", c.Name, m.Name)
			}
		}
		for _, p := range c.Ports {
			if problems := names.IsValidPortName(p.Name); problems != nil {
				return fmt.Errorf("port %s: %v", p.Name, problems)
			}
			if d.Spec.Template.Spec.HostNetwork && p.HostPort != p.ContainerPort {
				return fmt.Errorf("port %s: in the host's network both ports are the same", p.Name)
			}
		}
	}
	return nil
}

// labelSet are labels as selectors want them.
type labelSet map[string]string

func (l labelSet) Has(label string) bool { _, ok := l[label]; return ok }

func (l labelSet) Get(label string) string { return l[label] }

func (l labelSet) Lookup(label string) (string, bool) { v, ok := l[label]; return v, ok }
