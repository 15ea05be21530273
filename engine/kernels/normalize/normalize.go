// Package normalize holds the row kernels that divide a row by a property of
// its own: softmax, layer and root-mean-square normalization, moments.
//
// Like vector, it knows neither tensors nor threads, allocates nothing, and
// panics when slices of one call differ in length. dst may be the very slice
// of an input. A NaN in a row makes its whole result NaN.
package normalize

import (
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// Funcs holds the kernels of one variant. A Funcs is immutable and may be
// shared. Each call takes one contiguous row; an empty row is a no-op.
type Funcs struct {
	Variant string // the row of vector.Variants that this came from

	v    *vector.Funcs
	rows loops
}

// loops are the passes over a row that package vector does not have.
type loops struct {
	// maxScaled returns max over i of x[i]·scale + mask[i]. A nil mask is zero.
	maxScaled func(x, mask []float32, scale float32) float32

	// expScaled does dst[i] = exp(x[i]·scale + mask[i] - shift) and returns
	// their sum. A nil mask is zero.
	expScaled func(dst, x, mask []float32, scale, shift float32) float32

	// expSum returns Σ exp(x[i] - shift).
	expSum func(x []float32, shift float32) float32

	// addSum does dst[i] = a[i] + b[i] and returns the sum of dst.
	addSum func(dst, a, b []float32) float32

	// deviation returns Σ (x[i]-mean)².
	deviation func(x []float32, mean float32) float32

	// standardize does dst[i] = (x[i]-mean)·inverse·scale[i] + bias[i].
	// A nil bias is zero.
	standardize func(dst, x, scale, bias []float32, mean, inverse float32)

	// standardizeBF16 is standardize with a bfloat16 result.
	standardizeBF16 func(dst []uint16, x, scale, bias []float32, mean, inverse float32)

	// exponentiate and exponentiateBF16 are Exponentiate.
	exponentiate, exponentiateBF16 func(b *Block)

	// scale and scaleBF16 are ScaleRows.
	scale, scaleBF16 func(b *Block)
}

// For returns the kernels that go with vector.For of the same features.
func For(features cpu.Features) *Funcs {
	for _, v := range vector.Variants() {
		if !features.Has(v.Needs) {
			continue
		}
		if f := assembled(v.Name, features); f != nil {
			return f
		}
	}
	return Reference()
}

// Reference returns the variant in plain Go.
func Reference() *Funcs {
	f := &Funcs{Variant: "generic", v: vector.Reference(), rows: loops{
		maxScaled, expScaled, expSum, addSum, deviation, standardize, standardizeBF16, nil, noBFloat16, nil, noBFloat16,
	}}
	f.rows.exponentiate, f.rows.scale = f.rows.exponentiateRows, scaleRows(f.v.Scalar[vector.MulScalar])
	return f
}
