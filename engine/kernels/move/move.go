// Package move holds the kernels that rearrange elements without looking at
// their values: transposes, changes of image layout, strided copies, gathers.
//
// It knows neither tensors nor threads and allocates nothing. dst and src must
// not overlap. An index outside a slice panics.
package move

import "github.com/eiplan/eiplan/engine/cpu"

// Element is what can be moved: anything of 1, 2, 4 or 8 bytes. bfloat16 and
// float16 go as uint16.
type Element interface {
	~bool | ~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~float32 | ~float64
}

// Funcs holds the kernels of one variant. A Funcs is immutable and may be
// shared.
type Funcs struct {
	Variant string

	// blocks holds, by the base-2 logarithm of the element's bytes, what
	// transposes whole square blocks, largest first.
	blocks [4][]block
}

// block transposes side × side elements: dst[c·dstPitch+r] = src[r·srcPitch+c],
// pitches in bytes, count times, with src moving on by srcStep bytes and dst by
// dstStep bytes in between. padded, which may be nil, does so where src has only
// so many rows, with zero for the others.
type block struct {
	side      int
	transpose func(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep int)
	padded    func(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep, rows int)
}

// Variant is what is known of an implementation, on every architecture.
type Variant struct {
	Name  string
	Needs cpu.Features
}

// Variants lists the assembled variants, best first, whether or not this build
// holds them. The reference is not among them.
func Variants() []Variant {
	return []Variant{
		{"avx512", cpu.AVX512 | cpu.AVX2},
		{"avx2", cpu.AVX2},
		{"neon", cpu.NEON},
	}
}

// For returns the best variant that a machine with the given features can run
// and that this build holds. It never returns nil.
func For(features cpu.Features) *Funcs {
	for _, v := range Variants() {
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
	return &Funcs{Variant: "generic", blocks: [4][]block{0: {{bytesSide, transposeBytes, nil}}}}
}

// Fill sets every element of dst to v.
func Fill[T Element](dst []T, v T) {
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for done := 1; done < len(dst); done *= 2 {
		copy(dst[done:], dst[:done])
	}
}
