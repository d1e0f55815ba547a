//go:build linux && (amd64 || arm64)

package sensor

import (
	"fmt"
	"reflect"
)

// each calls do with the name, the place and the value of every number in c.
func (c *Counts) each(do func(name string, i int, n *uint64)) {
	i := 0
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		if v.Kind() == reflect.Array {
			for j := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", name, j), v.Index(j))
			}
			return
		}
		do(name, i, (*uint64)(v.Addr().UnsafePointer())) // the bits of an int64 subtract alike
		i++
	}
	s := reflect.ValueOf(c).Elem()
	for f := range s.NumField() {
		walk(s.Type().Field(f).Name, s.Field(f))
	}
}

// all gives every number in c, in the order of each.
func (c Counts) all() []uint64 {
	var all []uint64
	c.each(func(_ string, _ int, n *uint64) { all = append(all, *n) })
	return all
}
