//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sys/unix"
)

// TestAuditFiles: each program that ran is in the files, with seven fields,
// whether a file was full, its time over, or the collector started again.
func TestAuditFiles(t *testing.T) {
	r, dir := newLoads(t), t.TempDir()
	var known []known
	for _, part := range []struct {
		env     string
		n, size int
	}{
		{"AUDIT_PERIOD=%Y-%m-%dT%H-%M-%S.%L", 300, 10},
		{"AUDIT_MAX_MB=1", 2500, 1000},
		{"AUDIT_MAX_MB=100", 100, 10},
	} {
		// What is written at once must fit in a file.
		r.watch([]string{part.env, "AUDIT_DIR=" + dir, "PROMETHEUS_LISTEN=" + freeAddress(t)},
			"examples/audit-files.yaml", "yaml:receivers::ebpfsecurity::events::batch::max_records: 100")
		known = append(known, r.runKnown(len(known), part.n, part.size)...)
		l := r.settledTo(0, uint64(part.n+2)) // and one that another ran, and that one
		t.Logf("%d executions reported, %d lost", l.of("exec", "reported"), l.lost("exec"))
		r.stop(t)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	fatal(t, err)
	rotated(t, files)
	sameRuns(t, known, decoded(t, files))
	sameRuns(t, known, printed(t, files))
}

// TestAuditFilesOnAFullDisk: what does not fit is in the ledger, and what did, and
// does again when there is room, is not harmed.
func TestAuditFilesOnAFullDisk(t *testing.T) {
	r, dir := newLoads(t), t.TempDir()
	fatal(t, unix.Mount("none", dir, "tmpfs", 0, "size=512k"))
	t.Cleanup(func() { fatal(t, unix.Unmount(dir, 0)) })
	r.watch([]string{"AUDIT_DIR=" + dir, "PROMETHEUS_LISTEN=" + freeAddress(t)}, "examples/audit-files.yaml")
	tooMany := r.runKnown(0, 1500, 1000)
	r.settledTo(0, 1502)
	fatal(t, unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"))
	later := r.runKnown(len(tooMany), 100, 10)
	l := r.settledTo(0, 1604)
	r.stop(t)
	t.Logf("%d executions reported, %d refused", l.of("exec", "reported"), l.of("exec", "refused"))
	if l.of("exec", "refused") == 0 {
		t.Error("the disk was large enough")
	}

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	fatal(t, err)
	runs := printed(t, files)
	var n uint64
	for _, same := range runs {
		n += uint64(len(same))
	}
	if n != l.of("exec", "reported") {
		t.Errorf("%d executions recovered, and %d were reported", n, l.of("exec", "reported"))
	}
	sameRuns(t, later, runs)
	sameRuns(t, slices.DeleteFunc(tooMany, func(k known) bool { return len(runs[k.args[1]]) == 0 }), runs)
}

// rotated looks whether there are full files, and files of more than one period.
func rotated(t *testing.T, files []string) {
	t.Helper()
	full := 0
	for _, file := range files {
		info, err := os.Stat(file)
		fatal(t, err)
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes", file, info.Size())
		}
		if strings.HasSuffix(file, "-size.zst") {
			full++
		}
		t.Logf("%7d bytes in %s", info.Size(), filepath.Base(file))
	}
	if full == 0 || len(files)-full < 3 {
		t.Errorf("of %d files %d are full", len(files), full)
	}
}

// sameRuns compares what the files say with what is known, by the number that
// each program was given.
func sameRuns(t *testing.T, known []known, files map[string][]ran) {
	t.Helper()
	same := 0
	for _, want := range known {
		got := files[want.args[1]]
		if len(got) != 1 {
			t.Errorf("%d records of execution %s", len(got), want.args[1])
			continue
		}
		if problem := want.differs(got[0]); problem != "" {
			t.Errorf("execution %s: %s", want.args[1], problem)
			continue
		}
		same++
	}
	t.Logf("%d of %d executions recovered", same, len(known))
}

// decoded reads the files as audit-files/tsv.sh says that they are: by the
// number that a program was given what ran.
func decoded(t *testing.T, files []string) map[string][]ran {
	t.Helper()
	runs := make(map[string][]ran)
	decoder, err := zstd.NewReader(nil)
	fatal(t, err)
	defer decoder.Close()
	for _, file := range files {
		rest, err := os.ReadFile(file)
		fatal(t, err)
		for len(rest) > 0 {
			length := binary.BigEndian.Uint32(rest)
			page, err := decoder.DecodeAll(rest[4:4+length], nil)
			fatal(t, err)
			rest = rest[4+length:]
			logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(page)
			fatal(t, err)
			findRuns(logs, runs)
		}
	}
	return runs
}

func findRuns(logs plog.Logs, runs map[string][]ran) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				if at := r.Attributes(); r.EventName() == "ebpfsecurity.process.exec" && text(at, "ebpfsecurity.outcome") == "success" {
					addRun(runs, ran{
						time: r.Timestamp().AsTime(), pid: number(at, "process.pid"), ppid: number(at, "process.parent_pid"),
						comm: text(at, "thread.name"), parent: comm(path.Base(text(at, "ebpfsecurity.process.parent.executable.path"))),
						file: text(at, "process.executable.path"), args: list(at, "process.command_args"),
					})
				}
			}
		}
	}
}

func addRun(runs map[string][]ran, r ran) {
	if len(r.args) > 1 {
		runs[r.args[1]] = append(runs[r.args[1]], r)
	}
}

func list(at pcommon.Map, key string) (all []string) {
	v, ok := at.Get(key)
	if !ok {
		return nil
	}
	for _, e := range v.Slice().All() {
		all = append(all, e.Str())
	}
	return all
}

// printed is what audit-files/tsv.sh prints.
func printed(t *testing.T, files []string) map[string][]ran {
	t.Helper()
	cmd := exec.Command("examples/audit-files/tsv.sh", files...)
	cmd.Dir = filepath.Join("..", "..")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	page, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &problems)
	}
	first := page[:min(300, len(page))]
	t.Logf("tsv.sh printed %d lines, and said %q. They begin: %q", bytes.Count(page, []byte("\n")), &problems, first)
	runs := make(map[string][]ran)
	for line := range strings.Lines(string(page)) {
		addRun(runs, parseTSV(t, strings.TrimSuffix(line, "\n")))
	}
	return runs
}

func parseTSV(t *testing.T, line string) ran {
	t.Helper()
	fields := strings.Split(line, "\t")
	if len(fields) != 7 {
		t.Fatalf("%d fields in %q", len(fields), line)
	}
	for i := range fields {
		fields[i] = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(fields[i])
	}
	r := ran{comm: fields[3], parent: fields[4], file: fields[5]}
	var err error
	r.time, err = time.Parse(time.RFC3339Nano, fields[0])
	fatal(t, err)
	r.pid, err = strconv.ParseInt(fields[1], 10, 64)
	fatal(t, err)
	r.ppid, err = strconv.ParseInt(fields[2], 10, 64)
	fatal(t, err)
	fatal(t, json.Unmarshal([]byte(fields[6]), &r.args))
	return r
}
