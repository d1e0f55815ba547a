package check

import (
	"io/fs"
	"testing"
)

func TestSELinux(t *testing.T) {
	const config = "# x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"enforcing",
			map[string]string{"etc/selinux/config": config, "sys/fs/selinux/enforce": "1"},
			`selinux_config{info_key="SELINUX",info_value="enforcing"} 1
			selinux_config{info_key="SELINUXTYPE",info_value="targeted"} 1
			selinux_mode{mode="enforcing"} 1
			selinux_mode{mode="permissive"} 0
			selinux_mode{mode="disabled"} 0
			selinux.config pass (enforcing)
			selinux.mode pass (enforcing)
			status ok`,
		},
		{
			"permissive now, disabled at the next boot",
			map[string]string{"etc/selinux/config": " SELINUX = Disabled \n", "sys/fs/selinux/enforce": "0"},
			`selinux_config{info_key="SELINUX",info_value="Disabled"} 1
			selinux_mode{mode="enforcing"} 0
			selinux_mode{mode="permissive"} 1
			selinux_mode{mode="disabled"} 0
			selinux.config fail (disabled)
			selinux.mode fail (permissive)
			status ok`,
		},
		{
			"a host without it",
			map[string]string{"proc/filesystems": "nodev\tsysfs\n"},
			`selinux_mode{mode="enforcing"} 0
			selinux_mode{mode="permissive"} 0
			selinux_mode{mode="disabled"} 1
			status ok`,
		},
		{
			"disabled where it should not be",
			map[string]string{"proc/filesystems": "\text4\n", "etc/selinux/config": ""},
			`selinux_mode{mode="enforcing"} 0
			selinux_mode{mode="permissive"} 0
			selinux_mode{mode="disabled"} 1
			selinux.config fail ()
			selinux.mode fail (disabled)
			status ok`,
		},
		{"on, and not to be seen", map[string]string{"proc/filesystems": "nodev\tselinuxfs\n"}, "status unreadable"},
		{"without /proc", nil, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, one(t, selinux(), newTree(t, test.files).host()), test.want)
		})
	}
}

func TestAppArmor(t *testing.T) {
	const enabled, list = "sys/module/apparmor/parameters/enabled", "sys/kernel/security/apparmor/profiles"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"all enforcing",
			map[string]string{enabled: "Y\n", list: "/bin/b (enforce)\na (b) (c) (enforce)\n"},
			`apparmor_enabled{} 1
			apparmor_profiles{mode="complain"} 0
			apparmor_profiles{mode="enforce"} 2
			apparmor_profiles{mode="kill"} 0
			apparmor_profiles{mode="unconfined"} 0
			apparmor.enabled pass (on)
			apparmor.confined pass (2 of 2)
			apparmor.enforcing pass (2 of 2)
			status ok`,
		},
		{
			"some not",
			map[string]string{enabled: "Y\n", list: "a (enforce)\nb (complain)\nc (unconfined)\nd (prompt)\n"},
			`apparmor_enabled{} 1
			apparmor_profiles{mode="complain"} 1
			apparmor_profiles{mode="enforce"} 1
			apparmor_profiles{mode="kill"} 0
			apparmor_profiles{mode="prompt"} 1
			apparmor_profiles{mode="unconfined"} 1
			apparmor.enabled pass (on)
			apparmor.confined fail (2 of 4)
			apparmor.enforcing fail (1 of 4)
			status ok`,
		},
		{
			"no profiles",
			map[string]string{enabled: "Y\n", list: ""},
			`apparmor_enabled{} 1
			apparmor_profiles{mode="complain"} 0
			apparmor_profiles{mode="enforce"} 0
			apparmor_profiles{mode="kill"} 0
			apparmor_profiles{mode="unconfined"} 0
			apparmor.enabled pass (on)
			apparmor.confined fail (0 of 0)
			apparmor.enforcing fail (0 of 0)
			status ok`,
		},
		{
			"a bad list",
			map[string]string{enabled: "Y\n", list: "a\n"},
			`apparmor_enabled{} 1
			apparmor_profiles{mode="complain"} 0
			apparmor_profiles{mode="enforce"} 0
			apparmor_profiles{mode="kill"} 0
			apparmor_profiles{mode="unconfined"} 0
			apparmor.enabled pass (on)
			apparmor.confined fail (0 of 0)
			apparmor.enforcing fail (0 of 0)
			status error`,
		},
		{
			"off",
			map[string]string{enabled: "N\n"},
			`apparmor_enabled{} 0
			apparmor.enabled fail (off)
			status ok`,
		},
		{"a kernel without it", map[string]string{"sys/module/x/": ""}, "apparmor_enabled{} 0\nstatus ok"},
		{
			"a kernel without it, and a host with",
			map[string]string{"sys/module/x/": "", "etc/apparmor.d/x": ""},
			`apparmor_enabled{} 0
			apparmor.enabled fail (off)
			status ok`,
		},
		{"without /sys", nil, "status unreadable"},
		{
			"on, and its profiles not to be seen",
			map[string]string{enabled: "Y\n"},
			`apparmor_enabled{} 1
			apparmor.enabled pass (on)
			status unreadable`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, one(t, apparmor(), newTree(t, test.files).host()), test.want)
		})
	}
}

func TestAppArmorUnreadable(t *testing.T) {
	h := newTree(t, map[string]string{"sys/module/apparmor/parameters/enabled": "Y"})
	expect(t, one(t, apparmor(), h.faulty(map[string]error{"sys/module/apparmor/parameters/enabled": fs.ErrPermission}, nil)),
		"status unreadable")
}

func FuzzProfiles(f *testing.F) {
	f.Add([]byte("a (enforce)\n (x)\n()\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _ = showProfiles(newFindings(10), b) })
}

func FuzzSELinux(f *testing.F) {
	f.Add([]byte("SELINUX=enforcing\n= x\nSELINUXTYPE = targeted\nSELINUX=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := parseSELinux(b)
		if len(s.keys) != len(s.values) {
			t.Errorf("%d keys have %d values", len(s.keys), len(s.values))
		}
	})
}
