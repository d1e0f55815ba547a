package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const metricAccount = "linux.security.account_info"

func accounts() Check {
	return Check{
		ID:       "account",
		Category: Accounts,
		Reads:    "/etc/passwd, /etc/group, /etc/shadow, /etc/login.defs, /etc/sudoers",
		Metrics:  []string{metricAccount},
		Rules: []Rule{
			{
				"account.uid_zero", Critical, 1, "5.4.2.1",
				"Every account with the number 0 is root, under a name that nobody watches.",
				"Give the other accounts a number of their own with usermod --uid, or remove them.",
			},
			{
				"account.gid_zero", High, 1, "5.4.2.2",
				"Files that only root's group may read or write are open to such an account.",
				"Give the other accounts another group with usermod --gid.",
			},
			{
				"account.shadowed", High, 1, "7.2.1",
				"All may read /etc/passwd, and guess the passwords whose hashes are there.",
				"Run pwconv.",
			},
			{
				"account.groups_exist", Low, 1, "7.2.3",
				"Who creates a group with that number gets the files of the account.",
				"Create the groups with groupadd, or give the accounts another one.",
			},
			{
				"account.shadow_group", Medium, 1, "7.2.4",
				"Members of the group shadow may read the hashes of all passwords.",
				"Take the accounts out of the group shadow.",
			},
			{
				"account.unique_uids", Medium, 1, "7.2.5",
				"Two accounts with one number have the same rights and files.",
				"Give each account a number of its own.",
			},
			{
				"account.unique_gids", Medium, 1, "7.2.6",
				"Two groups with one number have the same rights and files.",
				"Give each group a number of its own.",
			},
			{
				"account.unique_names", Medium, 1, "7.2.7",
				"The first of two accounts with one name hides the other.",
				"Rename or remove one of them.",
			},
			{
				"account.unique_groups", Medium, 1, "7.2.8",
				"The first of two groups with one name hides the other.",
				"Rename or remove one of them.",
			},
			{
				"account.system_shells", Medium, 1, "5.4.2.7",
				"Accounts of services have no need to log in, and nobody sees when they do.",
				"Run usermod --shell /usr/sbin/nologin for the accounts.",
			},
		},
		Run: runAccounts,
	}
}

func runAccounts(_ context.Context, h *Host, f *Findings) error {
	u, err := readUsers(h)
	if err != nil {
		return err
	}
	passwords := readPasswords(h)
	sudo := readSudoGrants(h, u)
	f.Problem(sudo.err)
	for _, a := range u.accounts {
		groups := strings.Join(u.member.others(a), ",")
		password := string(passwords.of(a))
		f.Point(metricAccount, 1,
			"username", a.name, "uid", number(a.uid), "home_dir", a.home, "shell", a.shell,
			"primary_group", u.member.primary(a), "other_groups", groups,
			"has_sudo", sudo.of(a), "password", password)
		f.Watch("account.user."+a.name, strings.Join([]string{
			"uid=" + number(a.uid), "gid=" + number(a.gid), "shell=" + a.shell, "home=" + a.home, "groups=" + groups,
		}, " "))
		watch := f.Watch
		if sudo.of(a) == unknown || password == unknown {
			watch = f.Unsure
		}
		watch("account.access."+a.name, "sudo="+sudo.of(a)+" password="+password)
	}
	judgeAccounts(f, u)
	first, err := systemUIDs(h)
	if err != nil {
		return err
	}
	f.JudgeNone("account.system_shells", u.systemShells(first), true)
	return nil
}

// users are the accounts and groups in the host's files.
type users struct {
	accounts []account
	groups   []group
	member   memberships
}

func readUsers(h *Host) (*users, error) {
	passwd, err := h.Read("etc/passwd")
	if err != nil {
		return nil, err
	}
	groups, err := h.Read("etc/group")
	if err != nil {
		return nil, err
	}
	u := &users{accounts: parsePasswd(passwd), groups: parseGroup(groups)}
	u.member = membershipsOf(u.groups)
	return u, nil
}

func judgeAccounts(f *Findings, u *users) {
	judge := func(rule string, bad []string) { f.Judge("account."+rule, len(bad) == 0, listed(bad)) }
	judge("uid_zero", u.those(func(a account) bool { return a.uid == 0 && a.name != "root" }))
	judge("gid_zero", u.those(func(a account) bool {
		return a.gid == 0 && !slices.Contains([]string{"root", "sync", "shutdown", "halt", "operator"}, a.name)
	}))
	judge("shadowed", u.those(func(a account) bool { return a.password != "x" && statusOfPassword(a.password) != passwordLocked }))
	judge("groups_exist", u.those(func(a account) bool { _, ok := u.member.names[a.gid]; return !ok }))
	judge("shadow_group", u.inGroup("shadow"))
	judge("unique_uids", repeatedOf(u.accounts, func(a account) string { return number(a.uid) }))
	judge("unique_gids", repeatedOf(u.groups, func(g group) string { return number(g.gid) }))
	judge("unique_names", repeatedOf(u.accounts, func(a account) string { return a.name }))
	judge("unique_groups", repeatedOf(u.groups, func(g group) string { return g.name }))
}

// systemShells are the services' accounts that one can log in to.
func (u *users) systemShells(firstUID uint32) []string {
	return u.those(func(a account) bool { return a.uid != 0 && a.uid < firstUID && a.canLogIn() })
}

// those are the names of some accounts.
func (u *users) those(is func(a account) bool) []string {
	var names []string
	for _, a := range u.accounts {
		if is(a) {
			names = append(names, a.name)
		}
	}
	return names
}

// inGroup are those whose own group it is, or whom it lists.
func (u *users) inGroup(name string) []string {
	var names []string
	for _, a := range u.accounts {
		if u.member.primary(a) == name || slices.Contains(u.member.of[a.name], name) {
			names = append(names, a.name)
		}
	}
	return names
}

// canLogIn says whether the account's shell is one. An empty one is /bin/sh.
func (a account) canLogIn() bool {
	switch path.Base(a.shell) {
	case "nologin", "false", "true", "sync", "shutdown", "halt":
		return false
	}
	return true
}

// systemUIDs is the first number that is not a service's.
func systemUIDs(h *Host) (uint32, error) {
	b, err := h.ReadIfAny("etc/login.defs")
	first, parseErr := strconv.ParseUint(parseLoginDefs(b).get("UID_MIN", ""), 0, 32)
	if parseErr != nil {
		first = 1000
	}
	return uint32(first), err
}

// passwords know how one logs in to accounts.
type passwords struct {
	known  bool
	status map[string]passwordStatus
}

// readPasswords leaves it to the check of /etc/shadow to say what is wrong.
func readPasswords(h *Host) passwords {
	b, err := h.Read("etc/shadow")
	p := passwords{known: err == nil || errors.Is(err, fs.ErrNotExist), status: map[string]passwordStatus{}}
	for _, e := range parseShadow(b) {
		if _, ok := p.status[e.name]; !ok {
			p.status[e.name] = e.status()
		}
	}
	return p
}

// of looks where the C library does: an x in /etc/passwd is a password in
// /etc/shadow, and matches nothing if there is none.
func (p passwords) of(a account) passwordStatus {
	if a.password != "x" {
		return statusOfPassword(a.password)
	}
	if status, ok := p.status[a.name]; ok {
		return status
	}
	if p.known {
		return passwordLocked
	}
	return passwordUnknown
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
