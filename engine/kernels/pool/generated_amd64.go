//go:build !purego

package pool

// generated returns the kernels of the variant of that name, if there is one.
func generated(name string) (w windows, b windowsBF16, held bool) {
	switch name {
	case "avx512bf16":
		return windowsAVX512(), windowsBF16AVX512BF16(), true
	case "avx512":
		return windowsAVX512(), windowsBF16AVX512(), true
	case "avx2":
		return windowsAVX2(), windowsBF16AVX2(), true
	}
	return w, b, false
}
