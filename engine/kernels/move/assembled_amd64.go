//go:build !purego

package move

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string) *Funcs {
	wide, narrow := transposesAVX512(), transposesAVX2()
	words := block{8, narrow.words, nil}
	doublewords := block{8, narrow.doublewords, narrow.doublewordsPadded}
	bytewise := []block{{bytesSide, transposeBytes, nil}}
	switch name {
	case "avx512":
		return &Funcs{Variant: name, blocks: [4][]block{
			0: bytewise,
			1: {words},
			2: {{16, wide.doublewords, wide.doublewordsPadded}, doublewords},
		}}
	case "avx2":
		return &Funcs{Variant: name, blocks: [4][]block{0: bytewise, 1: {words}, 2: {doublewords}}}
	}
	return nil
}
