//go:build linux && (amd64 || arm64)

package sensor

import (
	"os"

	"golang.org/x/sys/unix"
)

// The helper's thread gets its own mounts, root and working directory.
var _ = can("own mounts", func([]string) (string, error) {
	return "", caught(func() {
		must("make a mount namespace", unix.Unshare(unix.CLONE_NEWNS))
		must("keep mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	})
})

// mountCases give a watched file other names by mounts and roots.
var mountCases = []fileCase{
	{name: "a bind mount of the file", want: elsewhere(secret), do: func(dir string, n int) {
		bound(shadow, dir+"/secretX", func() { inDir("secretX", unix.O_RDONLY)(dir, n) })
	}},
	{name: "a bind mount over the file", want: elsewhere(secret), do: func(dir string, n int) {
		bound(dir+"/xsecret", shadow, func() { opens(shadow, unix.O_RDONLY)(dir, n) })
	}},
	{name: "a bind mount of the directory", want: secret, do: func(dir string, n int) {
		bound("/etc", dir+"/elsewhere", func() { inDir("elsewhere/shadow", unix.O_RDONLY)(dir, n) })
	}},
	{name: "a bind mount of the root", want: secret, do: func(dir string, n int) {
		bound("/", dir+"/elsewhere", func() { inDir("elsewhere/etc/shadow", unix.O_RDONLY)(dir, n) })
	}},
	{name: "a bind mount of a watched directory", want: config, do: func(dir string, n int) {
		bound(dir+"/conf.d", dir+"/elsewhere", func() { inDir("elsewhere/inner/deeper/file", unix.O_WRONLY)(dir, n) })
	}},
	{name: "a bind mount of what lies above a watched directory", want: config, do: func(dir string, n int) {
		bound(dir, dir+"/elsewhere", func() { inDir("elsewhere/conf.d/file", unix.O_WRONLY)(dir, n) })
	}},
	{name: "a file system mounted below a watched directory", want: config, do: func(dir string, n int) {
		must("mount", unix.Mount("none", dir+"/conf.d/inner", "tmpfs", 0, ""))
		inDir("conf.d/inner/new", unix.O_CREAT|unix.O_WRONLY)(dir, n)
		must("unmount", unix.Unmount(dir+"/conf.d/inner", 0))
	}},
	{name: "a detached mount", want: secret, do: func(_ string, n int) {
		tree, err := unix.OpenTree(unix.AT_FDCWD, "/etc", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		must("open a tree", err)
		for range n {
			hangUp(openAt(tree, "shadow", unix.O_RDONLY))
		}
		hangUp(tree)
	}},
	{name: "from a chroot", want: secret, do: func(dir string, n int) {
		rooted("/etc", func() { opens("/shadow", unix.O_RDONLY)(dir, n) })
	}},
	{name: "another shadow in a chroot", want: nothing, do: func(dir string, n int) {
		must("make a directory", os.MkdirAll(dir+"/jail/etc", 0o755))
		must("make a file", os.WriteFile(dir+"/jail/etc/shadow", nil, 0o600))
		rooted(dir+"/jail", func() { opens(shadow, unix.O_RDWR)(dir, n) })
	}},
	{name: "on an overlay, once", want: secret, do: func(dir string, n int) {
		overlay(dir, func() { inDir("merged/secret", unix.O_RDONLY)(dir, n) })
	}},
	{name: "copied up on an overlay, once", want: tampered, do: func(dir string, n int) {
		overlay(dir, func() { inDir("merged/secret", unix.O_RDWR)(dir, n) })
	}},
}

func bound(from, at string, do func()) {
	must("bind", unix.Mount(from, at, "", unix.MS_BIND, ""))
	defer func() { must("unmount", unix.Unmount(at, unix.MNT_DETACH)) }()
	do()
}

// rooted does something in a chroot and comes back.
func rooted(root string, do func()) {
	back := openAt(unix.AT_FDCWD, "/", unix.O_PATH)
	must("change the root", unix.Chroot(root))
	must("change the directory", unix.Chdir("/"))
	defer func() {
		must("change the directory", unix.Fchdir(back))
		must("change the root", unix.Chroot("."))
		hangUp(back)
	}()
	do()
}

// overlay mounts one at merged, of which work and upper are on a tmpfs: rootfs cannot be an upper layer.
func overlay(dir string, do func()) {
	must("mount", unix.Mount("none", dir+"/elsewhere", "tmpfs", 0, ""))
	defer func() { must("unmount", unix.Unmount(dir+"/elsewhere", 0)) }()
	must("make a directory", os.Mkdir(dir+"/elsewhere/upper", 0o755))
	must("make a directory", os.Mkdir(dir+"/elsewhere/work", 0o755))
	err := unix.Mount("none", dir+"/merged", "overlay", 0,
		"lowerdir="+dir+"/lower,upperdir="+dir+"/elsewhere/upper,workdir="+dir+"/elsewhere/work")
	if err == unix.ENODEV {
		panic(lack("no overlayfs"))
	}
	must("mount", err)
	defer func() { must("unmount", unix.Unmount(dir+"/merged", 0)) }()
	do()
}
