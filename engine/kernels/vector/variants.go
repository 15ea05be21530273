package vector

import "github.com/eiplan/eiplan/engine/cpu"

const (
	avx2       = "avx2"
	avx512     = "avx512"
	avx512bf16 = "avx512bf16"
	neon       = "neon"
)

// Variants lists the assembled variants, best first, whether or not this build
// holds them. The reference is not among them.
func Variants() []Variant {
	return []Variant{
		{avx512bf16, cpu.AVX512 | cpu.AVX512BF16},
		{avx512, cpu.AVX512},
		{avx2, cpu.AVX2 | cpu.FMA | cpu.F16C},
		{neon, cpu.NEON},
	}
}
