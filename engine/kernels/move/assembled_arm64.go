//go:build !purego

package move

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string) *Funcs {
	if name != "neon" {
		return nil
	}
	t := transposesNEON()
	return &Funcs{Variant: name, blocks: [4][]block{
		0: {{bytesSide, transposeBytes, nil}},
		1: {{8, t.words, nil}},
		2: {{4, t.doublewords, t.doublewordsPadded}},
	}}
}
