package check

import "testing"

func TestLoginDefs(t *testing.T) {
	const file = "# UMASK 077\nUMASK\t\t022\nPASS_MAX_DAYS\t99999\nPASS_MAX_DAYS 0365\nPASS_MIN_DAYS 1\n" +
		"PASS_WARN_AGE 7\nENCRYPT_METHOD yescrypt\nENV_PATH PATH=/usr/bin:/bin\nMOTD_FILE \"\"\nISSUE\n"
	expect(t, one(t, loginDefs(), newTree(t, map[string]string{"etc/login.defs": file}).host()), `
		login_defs_info{info_key="UMASK",info_value="022"} 1
		login_defs_info{info_key="PASS_MAX_DAYS",info_value="0365"} 1
		login_defs_info{info_key="PASS_MIN_DAYS",info_value="1"} 1
		login_defs_info{info_key="PASS_WARN_AGE",info_value="7"} 1
		login_defs_info{info_key="ENCRYPT_METHOD",info_value="yescrypt"} 1
		login_defs_info{info_key="ENV_PATH",info_value="PATH=/usr/bin:/bin"} 1
		login_defs_info{info_key="MOTD_FILE",info_value=""} 1
		login_defs.umask fail (022)
		login_defs.pass_max_days pass (0365)
		login_defs.pass_min_days pass (1)
		login_defs.pass_warn_age pass (7)
		login_defs.encrypt_method pass (yescrypt)
		status ok`)
}

func TestLoginDefsAbsent(t *testing.T) {
	expect(t, one(t, loginDefs(), newTree(t, nil).host()), "status ok")
}

func TestIsStrictUmask(t *testing.T) {
	for mask, want := range map[string]bool{
		"027": true, "0027": true, "077": true, "037": true,
		"27": false, "77": false, "0x17": false, "0o27": false, "0_27": false, "022": false, "026": false, "007": false, "": false, "9": false, "u=rwx": false,
	} {
		equal(t, mask, isStrictUmask(mask), want)
	}
}

func TestIsBetween(t *testing.T) {
	for v, want := range map[string]bool{
		"7": true, "007": true, "0x7": true, "+7": true, "08": false, "0": false, "8": false, "-7": false, "": false, "7d": false,
		"0b11": false, "0o7": false, "0_7": false, "99999999999999999999": false,
	} {
		equal(t, v, isBetween(v, 1, 7), want)
	}
}

func FuzzLoginDefs(f *testing.F) {
	f.Add([]byte("UMASK 022\nA\nB \"c d\" e\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { parseLoginDefs(b) })
}
