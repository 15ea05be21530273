package isa

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// π/2 in three parts, each rounded down but the last.
const (
	quarterHigh   = 0x1.921fb4p0
	quarterMiddle = 0x1.4442d0p-24
	quarterLow    = math.Pi/2 - quarterHigh - quarterMiddle
)

// widestAngle bounds what is left of an angle of up to 2¹⁸ without its quarter turns: π/4, and what rounding 2/π may add.
const widestAngle = 0.82

// sineTerms fits (sin r - r)/r³ by r².
func sineTerms() []float32 {
	f := func(s float64) float64 { return (math.Sin(math.Sqrt(s))/math.Sqrt(s) - 1) / s }
	return Chebyshev(series(1e-3, f, -1./6, 1./120, -1./5040, 1./362880), 0, widestAngle*widestAngle, 3)
}

// cosineTerms fits cos r by r².
func cosineTerms() []float32 {
	f := func(s float64) float64 { return (math.Cos(math.Sqrt(s)) - 1 + s/2) / (s * s) }
	return append([]float32{1, -1. / 2}, Chebyshev(series(1e-2, f, 1./24, -1./720, 1./40320, -1./3628800), 0, widestAngle*widestAngle, 2)...)
}

// Sin is sin x, within 2 ULP, where |x| ≤ 2¹⁸, and NaN of an infinity.
func (a *Algebra) Sin(x reg.VecVirtual) reg.VecVirtual {
	y, turns := a.wave(x, 0)
	return a.Xor(y, a.Xor(turns, a.Sign(x)))
}

// Cos is cos x, as Sin.
func (a *Algebra) Cos(x reg.VecVirtual) reg.VecVirtual {
	y, turns := a.wave(x, 1)
	return a.Xor(y, turns)
}

// wave is sin(|x| + quarters·π/2) but for its sign, which comes apart. Of |x| = n·π/2 + r it is sin r or cos r, by whether n + quarters is even, and
// negative where half of that is odd.
func (a *Algebra) wave(x Op, quarters uint32) (y, sign reg.VecVirtual) {
	const units = 0x1.8p23 // a sum near it has no fraction, and its last bits are those of an integer
	t := a.Abs(x)
	count := a.MulAdd(a.Move(a.Const(2/math.Pi)), t, a.Const(units))
	n := a.Sub(count, a.Const(units))
	r := a.SubMul(a.SubMul(a.SubMul(t, n, a.Const(quarterHigh)), n, a.Const(quarterMiddle)), n, a.Const(quarterLow))
	if quarters > 0 {
		count = a.IntAdd(count, a.Bits(quarters))
	}
	square := a.Mul(r, r)
	cosine := a.Horner(square, cosineTerms())
	sine := a.MulAdd(a.Mul(a.Horner(square, sineTerms()), square), r, r)
	odd := a.Compare(a.Or(a.Shift(count, 31), a.Const(1)), LessThan, a.Nought())
	return a.Select(odd, cosine, sine), a.Sign(a.Shift(count, 30))
}

// Atan is atan x, within 4 ULP: c + y + y³·p(y²), where y is |x|, (|x|-1)/(|x|+1) or -1/|x|, whichever is at most tan π/8, and c is 0, π/4 or π/2.
func (a *Algebra) Atan(x reg.VecVirtual) reg.VecVirtual {
	const seam = math.Sqrt2 - 1 // tan π/8
	f := func(s float64) float64 { return (math.Atan(math.Sqrt(s))/math.Sqrt(s) - 1) / s }
	p := Chebyshev(series(1e-3, f, -1./3, 1./5, -1./7, 1./9), 0, 1.01*seam*seam, 4)

	t := a.Abs(x)
	middle, far := a.Compare(t, GreaterThan, a.Const(seam)), a.Compare(t, GreaterThan, a.Const(1/seam))
	above := a.Select(middle, a.Sub(t, a.Const(1)), t)
	above = a.Select(far, a.Const(-1), above)
	below := a.Select(middle, a.Add(t, a.Const(1)), a.Move(a.Const(1)))
	below = a.Select(far, t, below)
	c := a.Select(far, a.Const(math.Pi/2), a.Select(middle, a.Const(math.Pi/4), a.Nought()))
	y := a.Div(above, below)
	square := a.Mul(y, y)
	near := a.MulAdd(a.Mul(a.Horner(square, p), square), y, y)
	return a.Xor(a.Add(near, c), a.Sign(x))
}
