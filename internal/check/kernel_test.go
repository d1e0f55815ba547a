package check

import "testing"

func TestSecureBoot(t *testing.T) {
	const boot, setup = efiVars + "/SecureBoot" + efiGlobal, efiVars + "/SetupMode" + efiGlobal
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"on", map[string]string{boot: "\x06\x00\x00\x00\x01", setup: "\x06\x00\x00\x00\x00"}, "secure_boot_enabled{} 1\nsecure_boot.enabled pass (on)\nstatus ok"},
		{"off", map[string]string{boot: "\x06\x00\x00\x00\x00", setup: "\x06\x00\x00\x00\x00"}, "secure_boot_enabled{} 0\nsecure_boot.enabled fail (off)\nstatus ok"},
		{"in setup mode", map[string]string{boot: "\x06\x00\x00\x00\x01", setup: "\x06\x00\x00\x00\x01"}, "secure_boot_enabled{} 0\nsecure_boot.enabled fail (in setup mode)\nstatus ok"},
		{"not known to the firmware", map[string]string{efiVars + "/Boot0000" + efiGlobal: "x"}, "secure_boot_enabled{} 0\nsecure_boot.enabled fail (off)\nstatus ok"},
		{"efivarfs not mounted", map[string]string{efiVars + "/": ""}, "status unreadable"},
		{"no EFI", map[string]string{"sys/firmware/acpi/": ""}, "status ok"},
		{"no sysfs", nil, "status unreadable"},
		{"another variable", map[string]string{boot: "x"}, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, one(t, secureBoot(), newTree(t, test.files).host()), test.want) })
	}
}

func TestLSM(t *testing.T) {
	const lsm = securityFS + "/lsm"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"AppArmor", map[string]string{lsm: "lockdown,capability,apparmor"}, `
			lsm_active{lsm="lockdown"} 1
			lsm_active{lsm="capability"} 1
			lsm_active{lsm="apparmor"} 1
			lsm.mandatory pass (lockdown,capability,apparmor)
			status ok`},
		{"none that is mandatory", map[string]string{lsm: "capability,yama\n"}, `
			lsm_active{lsm="capability"} 1
			lsm_active{lsm="yama"} 1
			lsm.mandatory fail (capability,yama)
			status ok`},
		{"none", map[string]string{lsm: ""}, "lsm.mandatory fail ()\nstatus ok"},
		{"a kernel without", map[string]string{"sys/kernel/": ""}, "status ok"},
		{"securityfs not mounted", map[string]string{securityFS + "/": ""}, "status unreadable"},
		{"no sysfs", nil, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, one(t, lsms(), newTree(t, test.files).host()), test.want) })
	}
}

func TestLockdown(t *testing.T) {
	const lsm, file = securityFS + "/lsm", securityFS + "/lockdown"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"integrity", map[string]string{file: "none [integrity] confidentiality\n"}, "kernel_lockdown{mode=\"integrity\"} 1\nlockdown.enabled pass (integrity)\nstatus ok"},
		{"none", map[string]string{file: "[none] integrity confidentiality\n"}, "kernel_lockdown{mode=\"none\"} 0\nlockdown.enabled fail (none)\nstatus ok"},
		{"a kernel without", map[string]string{lsm: "capability"}, "status ok"},
		{"securityfs not mounted", map[string]string{securityFS + "/": ""}, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, one(t, lockdown(), newTree(t, test.files).host()), test.want) })
	}
}

func TestModuleSignature(t *testing.T) {
	const modules, enforce, lock = "proc/modules", "sys/module/module/parameters/sig_enforce", securityFS + "/lockdown"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"enforced", map[string]string{modules: "", enforce: "Y\n", lock: "[none] integrity"}, "module_signature_enforced{} 1\nmodule_signature.enforced pass (sig_enforce=Y)\nstatus ok"},
		{"not enforced", map[string]string{modules: "", enforce: "N\n", lock: "[none] integrity"}, "module_signature_enforced{} 0\nmodule_signature.enforced fail (sig_enforce=N)\nstatus ok"},
		{"by lockdown", map[string]string{modules: "", enforce: "N\n", lock: "none [integrity]"}, "module_signature_enforced{} 1\nmodule_signature.enforced pass (lockdown=integrity)\nstatus ok"},
		{"no signatures", map[string]string{modules: "", "sys/module/ext4/": "", securityFS + "/lsm": "capability"}, "module_signature_enforced{} 0\nmodule_signature.enforced fail (the kernel knows no signatures)\nstatus ok"},
		{"not enforced, and lockdown is not known", map[string]string{modules: "", enforce: "N\n", securityFS + "/": ""}, "status unreadable"},
		{"no modules", map[string]string{"proc/sys/": ""}, "status ok"},
		{"no proc", nil, "status unreadable"},
		{"no sysfs", map[string]string{modules: ""}, "status unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, one(t, moduleSignature(), newTree(t, test.files).host()), test.want)
		})
	}
}

func TestTaint(t *testing.T) {
	const file = "proc/sys/kernel/tainted"
	expect(t, one(t, taint(), newTree(t, map[string]string{file: "0\n"}).host()), `
		kernel_tainted{} 0
		kernel_taint.modules pass (0)
		status ok`)
	expect(t, one(t, taint(), newTree(t, map[string]string{file: "2147496449\n"}).host()), `
		kernel_tainted{} 2.147496449e+09
		kernel_taint_flag{letter="P",flag="proprietary_module"} 1
		kernel_taint_flag{letter="W",flag="warning"} 1
		kernel_taint_flag{letter="O",flag="out_of_tree_module"} 1
		kernel_taint_flag{letter="E",flag="unsigned_module"} 1
		kernel_taint_flag{letter="#",flag="bit_31"} 1
		kernel_taint.modules fail (2147496449 PWOE#)
		status ok`)
	expect(t, one(t, taint(), newTree(t, map[string]string{file: "x"}).host()), "status error")
	expect(t, one(t, taint(), newTree(t, nil).host()), "status unreadable")
}

func FuzzChoice(f *testing.F) {
	f.Add("none [integrity] confidentiality")
	f.Fuzz(func(_ *testing.T, line string) { parseChoice(line) })
}
