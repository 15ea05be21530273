//go:build !purego

package vector

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string) *Funcs {
	f := Reference()
	f.Variant = name
	switch name {
	case avx512bf16:
		f.add(elementwiseAVX512(), reductionAVX512(), conversionAVX512(), bfloat16AVX512BF16())
	case avx512:
		f.add(elementwiseAVX512(), reductionAVX512(), conversionAVX512(), bfloat16AVX512())
	case avx2:
		f.add(elementwiseAVX2(), reductionAVX2(), conversionAVX2(), bfloat16AVX2())
	default:
		return nil
	}
	return f
}
