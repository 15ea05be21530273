//go:build !purego

package normalize

// generated returns the passes of the variant of that name, nil if there is none.
func generated(name string) *generation {
	if name != "neon" {
		return nil
	}
	return &generation{passes: passesNEON(), passesBF16: passesBF16NEON()}
}
