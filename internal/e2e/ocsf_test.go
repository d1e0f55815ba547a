//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// An ocsf is what the Open Cybersecurity Schema Framework says.
type ocsf struct {
	Version    string
	Categories map[int64]string
	Base       map[string]string
	Classes    map[int64]struct {
		ocsfObject `yaml:",inline"`
		Name       string
		Activities map[int64]string
	}
	Objects map[string]ocsfObject
	Enums   map[string]map[int64]string
}

// An ocsfObject is what may be in an object.
type ocsfObject struct {
	Attributes map[string]string
	AtLeastOne []string `yaml:"at_least_one"`
	Enums      map[string]map[int64]string
}

// faults finds what OCSF would not have of an event.
func (s *ocsf) faults(event map[string]any) (list []string) {
	uid, _ := whole(event["class_uid"])
	class, known := s.Classes[uid]
	if !known {
		return []string{fmt.Sprintf("class_uid is %v", event["class_uid"])}
	}
	whole := ocsfObject{Attributes: make(map[string]string), AtLeastOne: class.AtLeastOne, Enums: make(map[string]map[int64]string)}
	for _, attributes := range []map[string]string{s.Base, class.Attributes} {
		for name, kind := range attributes {
			whole.Attributes[name] = kind
		}
	}
	for name, enum := range s.Enums {
		whole.Enums[name] = enum
	}
	whole.Enums["activity_id"] = class.Activities
	return append(s.uidFaults(event, uid, class.Name), s.objectFaults("", whole, event)...)
}

// uidFaults looks at the numbers and names that say what it is.
func (s *ocsf) uidFaults(event map[string]any, class int64, name string) (list []string) {
	activity, _ := whole(event["activity_id"])
	for field, want := range map[string]any{
		"class_name": name, "category_uid": fmt.Sprint(class / 1000), "category_name": s.Categories[class/1000],
		"type_uid": fmt.Sprint(class*100 + activity), "type_name": fmt.Sprintf("%s: %v", name, event["activity_name"]),
		"metadata.version": s.Version,
	} {
		if got := fmt.Sprint(at(event, field)); got != want {
			list = append(list, fmt.Sprintf("%s is %s instead of %s", field, got, want))
		}
	}
	return list
}

// objectFaults looks at an object and all below it.
func (s *ocsf) objectFaults(path string, of ocsfObject, object map[string]any) (list []string) {
	for name, v := range object {
		kind, known := of.Attributes[name]
		if !known {
			list = append(list, fmt.Sprintf("OCSF has no %s%s", path, name))
			continue
		}
		list = append(list, s.valueFaults(path+name, strings.TrimSuffix(kind, "!"), v)...)
	}
	for name, kind := range of.Attributes {
		if _, there := object[name]; strings.HasSuffix(kind, "!") && !there {
			list = append(list, fmt.Sprintf("no %s%s", path, name))
		}
	}
	if has := func(name string) bool { return object[name] != nil }; len(of.AtLeastOne) > 0 && !slices.ContainsFunc(of.AtLeastOne, has) {
		list = append(list, fmt.Sprintf("%s has none of %v", path, of.AtLeastOne))
	}
	for name, captions := range of.Enums {
		list = append(list, enumFaults(path, name, captions, object)...)
	}
	return list
}

// enumFaults compares a number with the text beside it; 99 has one of our own.
func enumFaults(path, name string, captions map[int64]string, object map[string]any) []string {
	n, there := whole(object[name])
	if !there || n == 99 {
		return nil
	}
	caption, known := captions[n]
	beside := strings.TrimSuffix(name, "_id")
	if beside == "activity" {
		beside = "activity_name"
	}
	if text, has := object[beside]; !known || has && text != caption {
		return []string{fmt.Sprintf("%s%s is %d and %s is %v, in words %q", path, name, n, beside, text, caption)}
	}
	return nil
}

// valueFaults looks at one attribute.
func (s *ocsf) valueFaults(path, kind string, v any) []string {
	wrong := []string{fmt.Sprintf("%s is no %s: %v", path, kind, v)}
	if element, isList := strings.CutPrefix(kind, "[]"); isList {
		values, ok := v.([]any)
		if !ok || len(values) == 0 {
			return wrong
		}
		var list []string
		for i, v := range values {
			list = append(list, s.valueFaults(fmt.Sprintf("%s.%d", path, i), element, v)...)
		}
		return list
	}
	if of, isObject := s.Objects[kind]; isObject {
		object, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		return s.objectFaults(path+".", of, object)
	}
	if !ocsfFits(kind, v) {
		return wrong
	}
	return nil
}

// ocsfFits tells whether a value of JSON is of a type of OCSF.
func ocsfFits(kind string, v any) bool {
	n, number := whole(v)
	text, isText := v.(string)
	switch kind {
	case "integer":
		return number && n == int64(int32(n))
	case "long":
		return number
	case "port":
		return number && n >= 0 && n <= 65535
	case "timestamp": // in milliseconds
		return number && time.UnixMilli(n).Year() > 2000 && time.UnixMilli(n).Year() < 2200
	case "string":
		return isText
	case "ip":
		_, err := netip.ParseAddr(text)
		return isText && err == nil
	case "object": // of anything
		_, ok := v.(map[string]any)
		return ok
	}
	return false
}

// at finds a value by its path, in an object that is flat or nested.
func at(object map[string]any, path string) any {
	if v, ok := object[path]; ok {
		return v
	}
	for i := range path {
		if path[i] != '.' {
			continue
		}
		if inner, ok := object[path[:i]].(map[string]any); ok {
			if v := at(inner, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
