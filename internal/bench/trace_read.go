package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A trace is what one operation runs on average.
type trace struct {
	in    map[string]float64 // instructions
	calls map[string]float64
}

// sum is what is ours of it.
func (t trace) sum() (n float64) {
	for _, in := range t.in {
		n += in
	}
	return n
}

// Where instructions go, beside programs.
const (
	inAll   = "**in all**"
	ways    = "ways into programs and out"
	bpfMaps = "maps"
	reading = "reading memory"
	helpers = "the ring, time and ids"
)

// places are what the kernel does for programs only, by how its functions' names begin.
var places = []struct {
	place    string
	prefixes []string
}{
	{"", []string{"bpf_lsm_"}}, // are there without us
	{ways, []string{"bpf_trampoline_", "__bpf_prog_", "__bpf_tramp_", "bpf_trace_run", "__bpf_trace_", "__traceiter_", "update_prog_stats"}},
	{bpfMaps, []string{
		"htab_", "__htab_", "trie_", "array_map_", "lookup_nulls_elem_raw", "lookup_elem_raw", "alloc_htab_elem", "free_htab_elem",
		"pcpu_freelist_", "__pcpu_freelist_", "___pcpu_freelist_", "prealloc_lru_pop", "bpf_lru_", "__bpf_lru_", "__local_list_",
		"bpf_obj_", "check_and_free_fields", "check_and_init_map_value", "bpf_map_",
	}},
	{reading, []string{"copy_from_kernel_nofault", "strncpy_from_kernel_nofault", "copy_from_user_nofault", "bpf_probe_read"}},
	{helpers, []string{"bpf_ringbuf_", "__bpf_ringbuf_", "bpf_get_", "bpf_ktime_", "bpf_user_rnd"}},
}

// shared are functions that do what who called them wants.
var shared = []string{
	"memcmp", "memcpy", "__memcpy", "rep_movs_", "__rcu_read_", "migrate_", "_raw_spin_", "__x86_", "srso_", "retbleed_",
	"ktime_get_", "read_tsc", "__list_", "_find_next_", "__check_object_size", "irq_work_queue", "get_random_u32",
}

func begins(name string, with []string) bool {
	return slices.ContainsFunc(with, func(p string) bool { return strings.HasPrefix(name, p) })
}

// placeOf is where instructions of a function belong, "" if they are not ours.
func placeOf(name string) string {
	if rest, ok := strings.CutPrefix(name, "bpf_prog_"); ok {
		_, program, _ := strings.Cut(rest, "_") // after its hash
		return "`" + program + "`"
	}
	for _, p := range places {
		if begins(name, p.prefixes) {
			return p.place
		}
	}
	return ""
}

// A function is one of the kernel, of what programs are compiled to, or another's.
type function struct {
	at     uint64
	name   string
	place  string
	shared bool
}

// readFunctions reads /proc/kallsyms: address, type, name.
func readFunctions(file string) (all []function, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 3 || !strings.ContainsAny(words[1], "tTwW") {
			continue
		}
		at, err := strconv.ParseUint(words[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, lines.Text(), err)
		}
		all = append(all, function{at, words[2], placeOf(words[2]), begins(words[2], shared)})
	}
	slices.SortFunc(all, func(a, b function) int { return cmp.Compare(a.at, b.at) })
	return all, lines.Err()
}

// readTrace counts between the first and the last operation of a log of QEMU.
func readTrace(dir, way, op string) (t trace, err error) {
	functions, err := readFunctions(filepath.Join(dir, way))
	if err != nil {
		return t, err
	}
	f, err := os.Open(filepath.Join(dir, way+"-"+op+".log"))
	if err != nil {
		return t, err
	}
	defer func() { _ = f.Close() }()
	mark := slices.IndexFunc(functions, func(f function) bool { return f.name == traceMark })
	if mark < 0 {
		return t, fmt.Errorf("no %s in this kernel", traceMark)
	}
	count := counter{functions: functions, mark: functions[mark].at}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if at, ok := addressOf(lines.Text()); ok {
			count.add(at)
		}
	}
	if count.operations < 2 {
		return t, errors.Join(lines.Err(), fmt.Errorf("%d operations seen", count.operations))
	}
	return count.average(), lines.Err()
}

// addressOf is that of "Trace 0: 0x7f… [cs_base/pc/flags/cflags] symbol".
func addressOf(line string) (uint64, bool) {
	_, in, found := strings.Cut(line, "[")
	_, in, found2 := strings.Cut(in, "/")
	in, _, found3 := strings.Cut(in, "/")
	at, err := strconv.ParseUint(in, 16, 64)
	return at, found && found2 && found3 && err == nil
}

// A counter sums up operations that are over.
type counter struct {
	functions  []function
	mark       uint64 // where a function is that runs once before each operation
	operations int
	last       string // place of the last function that is not shared
	now, done  trace
}

func (c *counter) add(at uint64) {
	i, found := slices.BinarySearchFunc(c.functions, at, func(f function, at uint64) int { return cmp.Compare(f.at, at) })
	if !found {
		i--
	}
	var f function // of a program that is no kernel's
	if i >= 0 && at >= 1<<63 {
		f = c.functions[i]
	}
	if at == c.mark {
		c.next()
	}
	if c.operations == 0 {
		return
	}
	if !f.shared {
		c.last = f.place
	}
	if c.last == "" {
		return
	}
	c.now.in[c.last]++
	if found && !f.shared {
		c.now.calls[c.last]++
	}
}

// next begins an operation. What was before the first is none.
func (c *counter) next() {
	if c.operations > 0 {
		for place, n := range c.now.in {
			c.done.in[place] += n
			c.done.calls[place] += c.now.calls[place]
		}
	} else {
		c.done = trace{in: map[string]float64{}, calls: map[string]float64{}}
	}
	c.operations++
	c.now = trace{in: map[string]float64{}, calls: map[string]float64{}}
}

func (c *counter) average() trace {
	n := float64(c.operations - 1)
	for place := range c.done.in {
		c.done.in[place] /= n
		c.done.calls[place] /= n
	}
	return c.done
}

// traceRows are the sums of an operation, and then what they are of, the most first.
func traceRows(counters, usual trace) (rows [][]string) {
	rows = append(rows, []string{inAll, fmt.Sprintf("%.0f", counters.sum()), "", fmt.Sprintf("%.0f", usual.sum()), ""})
	cells := func(t trace, place string) (string, string) {
		if t.in[place] < 0.5 { // another's, once in a while
			return "", ""
		}
		return fmt.Sprintf("%.0f", t.in[place]), fmt.Sprintf("%.1f", t.calls[place])
	}
	found := maps.Clone(usual.in)
	maps.Copy(found, counters.in)
	most := func(place string) float64 { return max(usual.in[place], counters.in[place]) }
	for _, place := range slices.SortedFunc(maps.Keys(found), func(a, b string) int { return cmp.Compare(most(b), most(a)) }) {
		if most(place) < 5 {
			continue
		}
		a, aCalls := cells(counters, place)
		b, bCalls := cells(usual, place)
		rows = append(rows, []string{place, a, aCalls, b, bCalls})
	}
	return rows
}
