// Command doctor says what the sensor can see on this host, and why not more: it
// loads all programs as the receiver does, runs all checks, and tells what came
// of each. It ends with 0 if all is served, with 1 if something is missing, and
// with 2 if it was asked wrongly.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	const missing, wrong = 1, 2
	flags := flag.NewFlagSet("ebpfsecurity-doctor", flag.ContinueOnError)
	flags.SetOutput(errs)
	var o options
	flags.StringVar(&o.root, "root", "/", "where the host's root directory is mounted (root_path)")
	flags.StringVar(&o.btf, "btf", "", "a file with the kernel's type information (btf_path)")
	flags.BoolVar(&o.never, "never", false, "do without programs that slow every syscall (syscall_tracepoints: never)")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return wrong
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(errs, "what is %q?\n", flags.Arg(0))
		flags.Usage()
		return wrong
	}
	r := examine(o)
	var err error
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		err = r.write(out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, err)
		return wrong
	}
	if len(r.Missing) > 0 {
		return missing
	}
	return 0
}
