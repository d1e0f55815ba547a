//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A container is what Docker, Podman and Kubernetes ask of their runtime.
type container struct {
	image
	env                              []string // NAME=value
	rights                           []string // CAP_…, all others are dropped
	binds                            []bind
	readOnly, noNewRights            bool
	hostPID, hostNetwork, hostCgroup bool
}

// An image is its root directory, and what it runs.
type image struct {
	root          string
	args, environ []string
	user          string
}

// dockerHides and dockerProtects are what Docker and Podman put out of a
// container's reach if they are not told otherwise, and Kubernetes, too.
var (
	dockerHides = []string{
		"/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
	}
	dockerProtects = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

type object = map[string]any

// spec is the container in the words of the runtime, config.json of the Open
// Container Initiative's runtime specification.
func (c container) spec() object {
	uid, _, _ := strings.Cut(c.user, ":")
	user, _ := strconv.Atoi(uid)
	namespaces := []object{{"type": "mount"}, {"type": "ipc"}}
	for kind, hosts := range map[string]bool{"pid": c.hostPID, "network": c.hostNetwork, "cgroup": c.hostCgroup} {
		if !hosts {
			namespaces = append(namespaces, object{"type": kind})
		}
	}
	return object{
		"ociVersion": "1.0.2",
		"root":       object{"path": c.root, "readonly": c.readOnly},
		"process": object{
			"args": c.args, "env": append(slices.Clone(c.environ), c.env...), "cwd": "/",
			"user":            object{"uid": user, "gid": user},
			"capabilities":    object{"bounding": c.rights, "effective": c.rights, "permitted": c.rights},
			"noNewPrivileges": c.noNewRights,
		},
		"mounts": c.mounts(),
		"linux":  object{"namespaces": namespaces, "maskedPaths": dockerHides, "readonlyPaths": dockerProtects},
	}
}

func (c container) mounts() []object {
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
	}
	for _, b := range c.binds {
		options := []string{"rbind", "rslave", "ro"}
		if b.Writable {
			options = []string{"rbind", "rw"}
		}
		mounts = append(mounts, object{"destination": b.To, "type": "bind", "source": b.From, "options": options})
	}
	return mounts
}

// command runs the container. Its first process is the one in the file pid of the directory.
func (c container) command(t *testing.T, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir = t.TempDir()
	c.args = append(slices.Clone(c.args), args...)
	config, err := json.MarshalIndent(c.spec(), "", "  ")
	fatal(t, err)
	fatal(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600))
	state := filepath.Join(dir, "state")
	name := "e2e-" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(dir)
	cmd = exec.Command("runc", "--root", state, "run", "--bundle", dir, "--pid-file", filepath.Join(dir, "pid"), name)
	t.Cleanup(func() {
		_ = syscall.Kill(containerPID(dir), syscall.SIGKILL)
		_ = exec.Command("runc", "--root", state, "delete", "--force", name).Run()
	})
	return cmd, dir
}

// containerPID is that of the first process, or one that is nobody's.
func containerPID(dir string) int {
	text, _ := os.ReadFile(filepath.Join(dir, "pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 1 << 30
	}
	return pid
}

// buildImage builds the Dockerfile with the binary that is there.
func buildImage(t *testing.T, bin string) image {
	t.Helper()
	store, built := t.TempDir(), t.TempDir()
	copyFile(t, bin, filepath.Join(built, service))
	copyFile(t, "/etc/ssl/certs/ca-certificates.crt", filepath.Join(built, "ca-certificates.crt"))
	buildah := func(args ...string) string {
		t.Helper()
		var said bytes.Buffer
		cmd := exec.Command("buildah", append([]string{
			"--storage-driver", "vfs", "--root", filepath.Join(store, "images"), "--runroot", filepath.Join(store, "run"),
		}, args...)...)
		cmd.Dir, cmd.Stderr = "../..", &said
		answer, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %v: %v\n%s", args, err, &said)
		}
		return strings.TrimSpace(string(answer))
	}
	buildah("build", "--isolation", "chroot", "--layers=false", "--build-context", "built="+built,
		"--file", "examples/deploy/container/Dockerfile", "--tag", service, ".")
	var config struct {
		OCIv1 struct {
			Config struct {
				Entrypoint, Cmd, Env []string
				User                 string
			} `json:"config"`
		}
	}
	fatal(t, json.Unmarshal([]byte(buildah("inspect", "--type", "image", service)), &config))
	c := config.OCIv1.Config
	root := buildah("mount", buildah("from", service))
	t.Cleanup(func() { buildah("umount", "--all") })
	return image{root: root, args: append(c.Entrypoint, c.Cmd...), environ: c.Env, user: c.User}
}

// files are all in an image.
func (i image) files(t *testing.T) (all []string) {
	t.Helper()
	fatal(t, filepath.WalkDir(i.root, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(path, i.root))
		}
		return err
	}))
	return all
}
