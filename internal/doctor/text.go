package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// write prints the report for people.
func (r *report) write(out io.Writer) error {
	var page strings.Builder
	table := tabwriter.NewWriter(&page, 0, 0, 2, ' ', 0)
	put := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format, args...) }
	r.writeHost(put)
	r.writeHooks(put)
	r.writeChecks(put)
	_ = table.Flush()
	page.WriteString("\n")
	if len(r.Missing) == 0 {
		page.WriteString("All is served.\n")
	} else {
		fmt.Fprintf(&page, "Missing:\n  %s\n", strings.Join(r.Missing, "\n  "))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

func (r *report) writeHost(put func(string, ...any)) {
	h := r.Host
	put("kernel\t%s\t%s\n", known(h.Kernel), h.Arch)
	put("types (BTF)\t%s\t%s\n", yes(h.BTF.Found, "there", "missing"), h.BTF.Path)
	put("lockdown\t%s\t\n", known(h.Lockdown))
	put("perf_event_paranoid\t%s\t\n", known(h.Paranoid))
	for _, m := range h.Mounts {
		put("%s\t%s\t%s\n", m.Type, yes(m.At != "", m.At, "not mounted"), m.For)
	}
	for _, c := range h.Capabilities {
		put("%s\t%s\t%s\n", c.Name, yes(c.Held, "held", yes(c.Needed, "MISSING", "not held")), c.For)
	}
	put("ring buffers\t%s\t%s\n", yes(r.Records == "", "work", "MISSING"), r.Records)
}

func (r *report) writeHooks(put func(string, ...any)) {
	put("\nHOOK\tPROGRAM\t\n")
	for _, h := range r.Hooks {
		put("%s\t%s\t%s\n", h.Name, yes(h.Program == "none", "NONE", h.Program), yes(h.Slows, "slows every syscall of the host", ""))
		for _, a := range h.Tried {
			put("\tnot %s\t%s%s\n", a.Program, yes(a.Companion, "records tell less without it: ", ""), short(a.Refusal))
		}
		if h.Cure != "" {
			put("\tcure\t%s\n", h.Cure)
		}
	}
}

func (r *report) writeChecks(put func(string, ...any)) {
	put("\nCHECK\tSTATUS\t\n")
	for _, c := range r.Checks {
		put("%s\t%s\t%s\n", c.Name, c.Status, short(c.Reason))
	}
}

// short is the beginning of a reason: JSON has all of it.
func short(reason string) string {
	const most = 160
	if runes := []rune(reason); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return reason
}

// known is a text that is not empty.
func known(text string) string { return yes(text != "", text, "unknown") }

func yes(is bool, this, that string) string {
	if is {
		return this
	}
	return that
}
