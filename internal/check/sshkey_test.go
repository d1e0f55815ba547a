package check

import (
	"strings"
	"testing"
)

// What ssh-keygen made, and what it shows of them.
const (
	testED25519   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPI9+RmD+pilbcP8E/K+3KOKWpNH7wyolyAf1j/8bvT9"
	testED25519Is = "SHA256:vCwsTwvcJa5YjjYaajJc68zaaekrMT+VqGq27HFNANc"
	testRSA       = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC8oGHsyoVyezYveG58wk6fMLjOYKrsiGHn1E1IZuwJ3DuWWfBMopF+ezm47Pjt6lHcqIYZ0ubQigY6oviZHz57U/cpiQOta6axJCHH+freGJKCOYpCkKT84vGwNr6uyipgONEANA1Q3Jns8q+wnqPZUhF7sLI5yHGUxZMN5QgDvw=="
	testRSAIs     = "SHA256:De0z8zhO2FvcxMZ1cw3IT61rnrIY4Vzx7FfUBY0UNBE"
)

func TestParseAuthorizedKeys(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{testED25519 + " a comment", testED25519Is + " ssh-ed25519"},
		{"  \t" + testRSA, testRSAIs + " ssh-rsa 1024"},
		{`command="echo \"a b\", c",no-pty,from="10.0.0.0/8" ` + testRSA, testRSAIs + " ssh-rsa 1024 command no-pty from"},
		{"restrict\t" + testED25519, testED25519Is + " ssh-ed25519 restrict"},
		{"# " + testED25519, ""},
		{"ssh-rsa " + strings.Fields(testED25519)[1], ""},
		{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", ""},
		{"ssh-ed25519 not-base64", ""},
		{`command="never ends ` + testED25519, ""},
		{"ssh-ed25519", ""},
		{"root:$6$salt$hash:1:2:3:4:::", ""},
	} {
		got := ""
		for _, k := range parseAuthorizedKeys([]byte(test.line)) {
			got += k.fingerprint + " " + k.String()
		}
		equal(t, test.line, got, test.want)
	}
}

func TestBitLength(t *testing.T) {
	for want, number := range map[int]string{0: "", 1: "\x01", 8: "\xff", 9: "\x00\x01\x00", 15: "\x00\x00\x7f\xff"} {
		equal(t, "bits", bitLength([]byte(number)), want)
	}
}

func FuzzAuthorizedKeys(f *testing.F) {
	f.Add([]byte(`command="a \" b",no-pty ` + testRSA + "\n" + testED25519))
	f.Add([]byte("x " + testRSA + "\n\n\" \\\" " + testED25519))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range parseAuthorizedKeys(b) {
			if k.kind == "" || k.fingerprint == "" || k.bits < 0 {
				t.Errorf("%q is %+v", b, k)
			}
			_ = k.String()
		}
	})
}
