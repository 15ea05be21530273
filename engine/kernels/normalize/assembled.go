//go:build (amd64 || arm64) && !purego

package normalize

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// The structs below name the generated passes. Their slices begin at the
// pointers, none is empty, and dst may equal an operand. Those called masked
// have a mask.

type passes struct {
	maxScaled   func(x *float32, n int, scale float32) float32
	maxMasked   func(x, mask *float32, n int, scale float32) float32
	expScaled   func(dst, x *float32, n int, scale, shift float32) float32
	expMasked   func(dst, x, mask *float32, n int, scale, shift float32) float32
	expSum      func(x *float32, n int, shift float32) float32
	addSum      func(dst, a, b *float32, n int) float32
	deviation   func(x *float32, n int, mean float32) float32
	standardize func(dst, x, scale, bias *float32, n int, mean, inverse float32)

	standardizeUnbiased func(dst, x, scale *float32, n int, mean, inverse float32)
}

type passesBF16 struct {
	standardizeBF16 func(dst *uint16, x, scale, bias *float32, n int, mean, inverse float32)

	standardizeUnbiasedBF16 func(dst *uint16, x, scale *float32, n int, mean, inverse float32)
}

type blocks struct {
	exponentiate, exponentiateMasked         func(b *byte)
	exponentiateBF16, exponentiateMaskedBF16 func(b *byte)
	scale, scaleBF16                         func(b *byte)
}

// generation is what there is of a variant; blocks are nil where they are not.
type generation struct {
	passes
	passesBF16
	blocks, blocksBF16 *blocks
}

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string, features cpu.Features) *Funcs {
	g := generated(name)
	if g == nil {
		return nil
	}
	p, b := g.passes, g.passesBF16
	f := &Funcs{Variant: name, v: vector.For(features), rows: loops{
		maxScaled: func(x, mask []float32, scale float32) float32 {
			if mask == nil {
				return p.maxScaled(&x[0], len(x), scale)
			}
			return p.maxMasked(&x[0], &mask[0], len(x), scale)
		},
		expScaled: func(dst, x, mask []float32, scale, shift float32) float32 {
			if mask == nil {
				return p.expScaled(&dst[0], &x[0], len(x), scale, shift)
			}
			return p.expMasked(&dst[0], &x[0], &mask[0], len(x), scale, shift)
		},
		expSum:    func(x []float32, shift float32) float32 { return p.expSum(&x[0], len(x), shift) },
		addSum:    func(dst, a, b []float32) float32 { return p.addSum(&dst[0], &a[0], &b[0], len(dst)) },
		deviation: func(x []float32, mean float32) float32 { return p.deviation(&x[0], len(x), mean) },

		standardize:     sliceStandardize(p.standardize, p.standardizeUnbiased),
		standardizeBF16: sliceStandardize(b.standardizeBF16, b.standardizeUnbiasedBF16),

		exponentiateBF16: noBFloat16, scaleBF16: noBFloat16,
	}}
	f.rows.exponentiate, f.rows.scale = f.rows.exponentiateRows, scaleRows(f.v.Scalar[vector.MulScalar])
	if w := g.blocks; w != nil {
		f.rows.exponentiate, f.rows.scale = blockMasked(w.exponentiate, w.exponentiateMasked), blockMasked(w.scale, w.scale)
	}
	if w := g.blocksBF16; w != nil {
		f.rows.exponentiateBF16, f.rows.scaleBF16 = blockMasked(w.exponentiateBF16, w.exponentiateMaskedBF16), blockMasked(w.scaleBF16, w.scaleBF16)
	}
	return f
}

// blockMasked chooses by whether there is a mask.
func blockMasked(plain, masked func(b *byte)) func(b *Block) {
	return func(b *Block) {
		if b.Mask == nil {
			plain((*byte)(unsafe.Pointer(b)))
			return
		}
		masked((*byte)(unsafe.Pointer(b)))
	}
}

func sliceStandardize[T float32 | uint16](
	biased func(dst *T, x, scale, bias *float32, n int, mean, inverse float32),
	unbiased func(dst *T, x, scale *float32, n int, mean, inverse float32),
) func(dst []T, x, scale, bias []float32, mean, inverse float32) {
	return func(dst []T, x, scale, bias []float32, mean, inverse float32) {
		if bias == nil {
			unbiased(&dst[0], &x[0], &scale[0], len(x), mean, inverse)
			return
		}
		biased(&dst[0], &x[0], &scale[0], &bias[0], len(x), mean, inverse)
	}
}
