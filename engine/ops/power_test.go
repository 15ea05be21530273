package ops_test

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

// TestPowersOfFloat32 raises what formulas break at to what they break at; each result is math.Pow's, but for one unit in the last place.
func TestPowersOfFloat32(t *testing.T) {
	var bases, powers []float32
	for _, v := range []float64{0, 0.25, 0.7, 0.99999994, 1, 1.0000001, 1.7, 2, 3, 7, 10, 255, 1e5, 1e20, 1e38, math.MaxFloat32, 1e-20, 1e-38, 1e-45, math.Inf(1), math.NaN()} {
		bases = append(bases, float32(v), float32(-v), float32(math.Copysign(v, -1)))
	}
	for _, v := range []float64{0, 1, 2, 3, 4, 5, 0.5, 1.5, 1. / 3, 2.2, 17, 33.3, 1e6 + 1, 1e7, 1 << 24, 1e20, 1e-20, math.Inf(1), math.NaN()} {
		powers = append(powers, float32(v), float32(-v))
	}
	x := tensor.From(tensor.Float32, tensor.Shape{len(bases), 1}, bases)
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		got := tensor.Data[float32](eval(t, "Pow", nil, x, castTo(t, d, tensor.From(tensor.Float32, tensor.Shape{len(powers)}, powers))))
		for i, a := range bases {
			for k, b := range powers {
				y, want := got[i*len(powers)+k], float32(math.Pow(float64(a), float64(b)))
				near := y == math.Nextafter32(want, 0) || y == math.Nextafter32(want, y)
				if y == want && math.Signbit(float64(y)) == math.Signbit(float64(want)) || y != y && want != want || near && y != 0 && !math.IsInf(float64(y), 0) {
					continue
				}
				t.Errorf("%g to the power of %g of %s is %g, want %g", a, b, d, y, want)
			}
		}
	}
}
