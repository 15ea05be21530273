//go:build !purego

package normalize

// generated returns the passes of the variant of that name, nil if there is none.
func generated(name string) *generation {
	if name != "neon" {
		return nil
	}
	b := blocksNEON()
	return &generation{passesNEON(), passesBF16NEON(), &b, &b}
}
