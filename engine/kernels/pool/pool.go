// Package pool holds the kernels that reduce windows of NHWC images, pooling,
// and that resample them, resizing. Channels are innermost and go through
// vectors; the arithmetic is float32 for float32 and bfloat16 storage alike.
//
// It knows neither tensors nor threads and allocates nothing. Padding, ceiling
// modes and coordinate transforms are resolved by the caller into windows and
// taps. dst and src must not overlap. An index outside a slice panics.
package pool

import (
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// Image says where pixels lie: channel c of pixel (y, x) is element
// Origin + y·RowPitch + x·PixelPitch + c.
type Image struct {
	PixelPitch, RowPitch, Origin int
}

func (m Image) at(y, x int) int { return m.Origin + y*m.RowPitch + x*m.PixelPitch }

// Funcs holds the kernels of one variant. A Funcs is immutable and may be
// shared.
type Funcs struct {
	Variant string // the row of vector.Variants that this came from

	runs kernels
}

// kernels are the loops over a Run's windows and a resize's pixels, by storage.
type kernels struct {
	maximum     func(dst, src []float32, r run)
	average     func(dst, src []float32, r run)
	maximumBF16 func(dst, src []uint16, r run)
	averageBF16 func(dst, src []uint16, r run)
	blend       func(dst, topLeft, topRight, bottomLeft, bottomRight []float32, across, down float32)
	blendBF16   func(dst, topLeft, topRight, bottomLeft, bottomRight []uint16, across, down float32)
}

// run is a row of count outputs whose windows have one shape: for o < count,
// dst[o·dstStep+c] = reduce over i < rows, j < cols of
// src[o·srcStep + i·rowStep + j·colStep + c], for c < channels; then times
// scale when averaging. Steps are in elements.
type run struct {
	channels, count  int
	rows, cols       int
	rowStep, colStep int
	srcStep, dstStep int
	scale            float32
}

// For returns the kernels that go with vector.For of the same features.
func For(features cpu.Features) *Funcs {
	for _, v := range vector.Variants() {
		if !features.Has(v.Needs) {
			continue
		}
		if f := assembled(v.Name); f != nil {
			return f
		}
	}
	return Reference()
}

// Reference returns the variant in plain Go.
func Reference() *Funcs {
	return &Funcs{Variant: "generic", runs: kernels{
		maximum, average, maximumBF16, averageBF16, blend, blendBF16,
	}}
}
