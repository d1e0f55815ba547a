package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	metricAuthorizedKeys = "linux.security.authorized_keys"
	maxKeyFile           = 1 << 20 // bytes
	maxKeysShown         = 100     // of an account: a user can write any number
)

func authorizedKeys() Check {
	return Check{
		ID:       "authorized_keys",
		Category: SSH,
		Pace:     Slow,
		Reads:    "the files of AuthorizedKeysFile, of sshd_config, for each account",
		Metrics:  []string{metricAuthorizedKeys},
		Rules: []Rule{
			{
				"authorized_keys.protected", High, 1, "",
				"Who may write the file, or put another in its place, logs in as the account.",
				"Run chmod go-w and chown for the file and the directories above it, up to the home.",
			},
			{
				"authorized_keys.strong", Medium, 1, "",
				"DSA keys, and RSA keys below 2048 bits, can be computed from their public half.",
				"Let the account make another with ssh-keygen -t ed25519, and delete the old one.",
			},
		},
		Run: runAuthorizedKeys,
	}
}

func runAuthorizedKeys(ctx context.Context, h *Host, f *Findings) error {
	passwd, err := h.Read("etc/passwd")
	if err != nil {
		return err
	}
	patterns, err := h.authorizedKeysFiles()
	k := keyFiles{host: h, f: f}
	k.problem(err)
	for _, a := range parsePasswd(passwd) {
		for _, pattern := range patterns {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			k.read(a, keyFile(pattern, a))
		}
	}
	f.JudgeNone("authorized_keys.protected", k.open, !k.missed)
	f.JudgeNone("authorized_keys.strong", k.weak, !k.missed)
	return nil
}

// authorizedKeysFiles is what sshd is configured to read.
func (h *Host) authorizedKeysFiles() ([]string, error) {
	c := newSSHDConfig()
	err := c.read(h, "etc/ssh/sshd_config", c.global, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = c.read(h, "usr/etc/ssh/sshd_config", c.global, 0)
	}
	if c.unsure {
		err = errors.Join(err, errors.Join(c.problems...))
	}
	c.global.setDefault("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2")
	var patterns []string
	for _, block := range append(c.matches, c.global) { // whom a block is about is not asked
		for _, pattern := range strings.Fields(block.value("authorizedkeysfile")) {
			if pattern != "none" && !slices.Contains(patterns, pattern) {
				patterns = append(patterns, pattern)
			}
		}
	}
	return patterns, ignoreAbsent(err)
}

// keyFile puts an account's name, number and home in the place of sshd's
// tokens. A relative path is below the home.
func keyFile(pattern string, a account) string {
	name := strings.NewReplacer("%%", "%", "%u", a.name, "%U", number(a.uid), "%h", a.home).Replace(pattern)
	if !path.IsAbs(name) {
		name = path.Join("/", a.home, name)
	}
	return path.Clean(name)
}

// KeyFiles are looked at one after another.
type keyFiles struct {
	host       *Host
	f          *Findings
	open, weak []string
	missed     bool // something
}

func (k *keyFiles) problem(err error) {
	k.f.Problem(err)
	k.missed = k.missed || err != nil
}

// blind notes what an account, which may do to its files what it wants, has
// hidden.
func (k *keyFiles) blind(a account, err error) {
	k.f.Blind("authorized_keys."+a.name+".", err)
	k.missed = k.missed || err != nil
}

func (k *keyFiles) read(a account, name string) {
	b, err := k.host.Head(name, maxKeyFile+1)
	if len(b) > maxKeyFile { // sshd reads on
		b = b[:maxKeyFile]
		k.blind(a, &fs.PathError{Op: "read", Path: name, Err: errTooLarge})
	}
	if err != nil {
		k.blind(a, nothing(err)) // a home that is a file, such as /dev/null, has nothing
		return
	}
	keys := parseAuthorizedKeys(b)
	k.f.Point(metricAuthorizedKeys, float64(len(keys)), "username", a.name, "file", name)
	k.f.Overflow += max(0, len(keys)-maxKeysShown)
	weak := false
	for i, key := range keys {
		if i < maxKeysShown {
			k.f.WatchSecret("authorized_keys."+a.name+"."+key.fingerprint, key.String(), key.options)
		} else {
			k.f.WatchSecret("authorized_keys."+a.name+".more", number(uint32(len(keys)-maxKeysShown))+" more", key.fingerprint+" "+key.options)
		}
		weak = weak || key.isWeak()
	}
	if weak {
		k.weak = append(k.weak, name)
	}
	if len(keys) > 0 && !k.isProtected(a, name) {
		k.open = append(k.open, name)
	}
}

// isProtected wants of the file and the directories up to the home what sshd's
// StrictModes does: only the account and root may write. A link is followed
// first.
func (k *keyFiles) isProtected(a account, name string) bool {
	resolved, err := k.host.Real(name)
	home, homeErr := k.host.Real(a.home)
	if err != nil || homeErr != nil {
		return true // it is gone
	}
	for at := resolved; ; at = path.Dir(at) {
		info, err := k.host.Stat(at)
		if err != nil { // gone, or not to be seen
			k.blind(a, nothing(err))
			return true
		}
		uid, _, _ := ownerOf(info)
		if uid != 0 && uid != a.uid || info.Mode()&0o022 != 0 {
			return false
		}
		if at == home || at == "/" {
			return true
		}
	}
}
