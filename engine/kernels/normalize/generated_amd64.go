//go:build !purego

package normalize

// generated returns the passes of the variant of that name, nil if there is none.
func generated(name string) *generation {
	wide, wideBF16 := blocksAVX512(), blocksAVX512BF16()
	switch name {
	case "avx512bf16":
		return &generation{passesAVX512(), passesBF16AVX512BF16(), &wide, &wideBF16}
	case "avx512":
		return &generation{passesAVX512(), passesBF16AVX512(), &wide, nil}
	case "avx2":
		return &generation{passesAVX2(), passesBF16AVX2(), nil, nil}
	}
	return nil
}
