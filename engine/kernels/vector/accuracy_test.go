package vector

import (
	"math"
	"testing"
)

// bound is what an operation promises: at most so many ULPs of error.
type bound struct {
	ulps  float64
	scale scaleOf
}

// unaryBounds gives the promises that the declarations make; half an ULP more
// where both variant and reference round.
func unaryBounds() [unaryOps]bound {
	return [unaryOps]bound{
		Exp: {2, ofResult}, Log: {2, ofResult}, Erf: {4, ofResult}, Tanh: {4, ofResult},
		Sigmoid: {4, ofResult}, Softplus: {4, ofResult},
		Gelu: {4, ofInput}, GeluTanh: {4, ofInput}, Silu: {4, ofInput}, HardSwish: {2, ofInput},
		Sin: {2, ofResult}, Cos: {2, ofResult}, Atan: {4, ofResult},
	}
}

// exact computes the approximate operations in float64.
func exact() map[UnaryOp]func(x float64) float64 {
	return map[UnaryOp]func(x float64) float64{
		Exp: math.Exp, Log: math.Log, Erf: math.Erf, Tanh: math.Tanh, Sigmoid: sigmoid, Softplus: softplus,
		Gelu: gelu, GeluTanh: geluTanh,
		Silu:      func(x float64) float64 { return x * sigmoid(x) },
		HardSwish: func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) },
		Sin:       math.Sin, Cos: math.Cos, Atan: math.Atan,
	}
}

// TestAccuracy compares the approximate operations with float64 on evenly
// spaced bit patterns, which is to say on all magnitudes, and both signs.
func TestAccuracy(t *testing.T) {
	stride := uint32(7919)
	if testing.Short() {
		stride = 104729
	}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for op, of := range exact() {
			worst, at := worstError(f.Unary[op], of, unaryBounds()[op].scale, stride)
			t.Logf("%-9v %.3f ULP at %g", op, worst, at)
			if limit := unaryBounds()[op].ulps; !(worst <= limit) {
				t.Errorf("%v is %g ULP off at %g, at most %g allowed", op, worst, at, limit)
			}
		}
	})
}

// TestAccuracyOfQuarterTurns takes the sine and the cosine of what float32 has nearest to multiples of π/2, where all digits of angles count.
func TestAccuracyOfQuarterTurns(t *testing.T) {
	const turns = 180_000 // a few beyond what is reduced in vectors
	var x, y [1000]float32
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for op, of := range map[UnaryOp]func(float64) float64{Sin: math.Sin, Cos: math.Cos} {
			for n := 0; n < turns; n += len(x) {
				for i := range x {
					x[i] = float32(float64(n+i) * math.Pi / 2)
				}
				f.Unary[op](y[:], x[:])
				for i, got := range y {
					if e := errorOf(float64(got), of(float64(x[i])), float64(x[i]), ofResult); !(e <= unaryBounds()[op].ulps) {
						t.Fatalf("%v is %g ULP off at %g", op, e, x[i])
					}
				}
			}
		}
	})
}

// worstError returns the largest error of op over every stride-th float32, and
// where. It is infinite if op yields NaN or an infinity out of place.
func worstError(op func(dst, x []float32), of func(float64) float64, scale scaleOf, stride uint32) (worst float64, at float32) {
	var x, y [1 << 12]float32
	for bits, done := uint32(0), false; !done; {
		n := 0
		for ; n < len(x) && !done; n++ {
			x[n] = math.Float32frombits(bits)
			done = bits > math.MaxUint32-stride
			bits += stride
		}
		op(y[:n], x[:n])
		for i, got := range y[:n] {
			if e := errorOf(float64(got), of(float64(x[i])), float64(x[i]), scale); e > worst {
				worst, at = e, x[i]
			}
		}
	}
	return worst, at
}

func errorOf(got, want, x float64, scale scaleOf) float64 {
	rounded := float64(float32(want))
	switch {
	case got != got && want != want, got == rounded && math.IsInf(got, 0):
		return 0
	case got != got, want != want, math.IsInf(got, 0), math.IsInf(rounded, 0):
		return math.Inf(1)
	case scale == ofInput:
		return math.Abs(got-want) / ulp(x)
	}
	return math.Abs(got-want) / ulp(want)
}
