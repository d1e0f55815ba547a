//go:build linux

package sensor

// oldCalls are those that younger architectures do not have.
var oldCalls []fileCase
