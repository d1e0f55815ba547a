//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestGettingStarted does what the page says, in the order of the page, and
// looks for what it says will be seen. Ports and /tmp are its own.
func TestGettingStarted(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "getting-started.md"))
	fatal(t, err)
	g := newGuide(t)
	blocks := fenced.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	for i, b := range blocks {
		kind, text := b[1], b[2]
		expected := ""
		if i+1 < len(blocks) && blocks[i+1][1] == "text" {
			expected = blocks[i+1][2]
		}
		switch {
		case kind == "text": // looked for with the block before
		case runsOn.MatchString(text):
			g.start(text)
		default:
			g.follow(text, expected)
		}
	}
}

var (
	fenced = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")
	runsOn = regexp.MustCompile(`^(make run|bin/otelcol-ebpfsecurity --config \S+)\n$`)
)

// guideClone is where a guide has the repository.
const guideClone = "/mnt"

// A guide has terminals in one network and one /tmp.
type guide struct {
	t         *testing.T
	host      *exec.Cmd // whose network and /tmp these are
	collector *exec.Cmd
	shown     *output // by the collector
}

func newGuide(t *testing.T) *guide {
	clone, err := filepath.Abs(filepath.Join("..", ".."))
	fatal(t, err)
	// The clone may itself be below /tmp.
	g := &guide{t: t, host: exec.Command("unshare", "--net", "--mount", "sh", "-c",
		"mount --bind '"+clone+"' "+guideClone+" && mount -t tmpfs none /tmp && ip link set lo up && echo ready && exec sleep infinity")}
	ready, err := g.host.StdoutPipe()
	fatal(t, err)
	fatal(t, g.host.Start())
	t.Cleanup(func() {
		g.stop()
		_ = g.host.Process.Kill()
		_ = g.host.Wait()
	})
	_, err = ready.Read(make([]byte, len("ready\n")))
	fatal(t, err)
	return g
}

// terminal is a command as a user types it.
func (g *guide) terminal(text string) *exec.Cmd {
	cmd := exec.Command("nsenter", "--target", strconv.Itoa(g.host.Process.Pid), "--net", "--mount",
		"bash", "-e", "-o", "pipefail", "-c", "cd "+guideClone+"\n"+text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// start runs a collector in place of the one before.
func (g *guide) start(text string) {
	g.t.Helper()
	g.stop()
	g.t.Logf("$ %s", text)
	g.shown = &output{}
	g.collector = g.terminal(text)
	g.collector.Stdout, g.collector.Stderr = g.shown, g.shown
	fatal(g.t, g.collector.Start())
	eventually(g.t, "metrics after "+text, func() bool {
		page, err := g.terminal("curl -s http://127.0.0.1:9102/metrics").Output()
		return err == nil && strings.Contains(string(page), "security_ebpf_up")
	})
}

// stop is Ctrl-C.
func (g *guide) stop() {
	if g.collector == nil {
		return
	}
	_ = syscall.Kill(-g.collector.Process.Pid, syscall.SIGINT)
	_ = g.collector.Wait()
	if g.t.Failed() {
		g.t.Logf("the collector said:\n%s", g.shown)
	}
	g.collector = nil
}

// follow does what a block says until it shows what is expected: here or where
// the collector runs.
func (g *guide) follow(text, expected string) {
	g.t.Helper()
	var said []byte
	defer func() { g.t.Logf("$ %s%s", text, said) }()
	eventually(g.t, "the commands to show what is expected", func() bool {
		var err error
		said, err = g.terminal(text).CombinedOutput()
		if err != nil {
			said = append(said, err.Error()...)
			return false
		}
		seen := string(said)
		if g.shown != nil {
			seen += g.shown.String()
		}
		return shows(seen, expected)
	})
}

// shows says whether each line that is expected was seen, with whatever numbers.
func shows(seen, expected string) bool {
	seen = strings.Join(strings.Fields(seen), " ")
	for line := range strings.Lines(expected) {
		pattern := regexp.QuoteMeta(strings.Join(strings.Fields(line), " "))
		if found, err := regexp.MatchString(digits.ReplaceAllString(pattern, `\d+`), seen); err != nil || !found {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`\d+`)
