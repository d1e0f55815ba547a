package check

import "testing"

// BenchmarkChecks runs all checks once, on this machine.
func BenchmarkChecks(b *testing.B) {
	root, err := OpenRoot("/")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	for _, c := range All() {
		b.Run(c.ID, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.look(b.Context(), NewHost(root, DefaultOptions()))
			}
		})
	}
}
