package isa

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Chebyshev returns the coefficients, lowest power first, of the polynomial
// that meets f at the Chebyshev nodes of [low, high]: close to the best one of
// its degree in the largest error.
func Chebyshev(f func(float64) float64, low, high float64, degree int) []float32 {
	n := degree + 1
	x, c := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = (low+high)/2 + (high-low)/2*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
		c[i] = f(x[i])
	}
	for j := 1; j < n; j++ { // divided differences
		for i := degree; i >= j; i-- {
			c[i] = (c[i] - c[i-1]) / (x[i] - x[i-j])
		}
	}
	p := []float64{c[degree]}
	for i := degree - 1; i >= 0; i-- { // p·(x-x[i]) + c[i]
		next := make([]float64, len(p)+1)
		for k, v := range p {
			next[k+1] += v
			next[k] -= v * x[i]
		}
		next[0] += c[i]
		p = next
	}
	rounded := make([]float32, n)
	for i, v := range p {
		rounded[i] = float32(v)
	}
	return rounded
}

// series returns a function that is f, but the given Taylor series within near
// of zero, where f as written would lose digits.
func series(near float64, f func(float64) float64, taylor ...float64) func(float64) float64 {
	return func(x float64) float64 {
		if math.Abs(x) >= near {
			return f(x)
		}
		y := 0.0
		for i := len(taylor) - 1; i >= 0; i-- {
			y = y*x + taylor[i]
		}
		return y
	}
}

// ln 2 in two parts; multiples of the first by exponents are exact.
var (
	ln2High = math.Float32frombits(math.Float32bits(math.Ln2) &^ 0xfff)
	ln2Low  = float32(math.Ln2 - float64(ln2High))
)

// expTerms fits (eʳ-1-r)/r² where |r| ≤ ln2/2.
func expTerms(degree int) []float32 {
	f := func(r float64) float64 { return (math.Expm1(r) - r) / (r * r) }
	return Chebyshev(series(1e-3, f, 1./2, 1./6, 1./24, 1./120), -math.Ln2/2, math.Ln2/2, degree)
}

// reduceExp returns n = round(x/ln2) and r = x - n·ln2, where that n is of less
// than 22 bits. It uses x up.
func (a *Algebra) reduceExp(x reg.VecVirtual) (n, r reg.VecVirtual) {
	const units = 0x1.8p23 // a sum near it has no fraction
	n = a.Sub(a.MulAdd(a.Move(a.Const(math.Log2E)), x, a.Const(units)), a.Const(units))
	return n, a.SubMul(a.SubMul(x, n, a.Const(ln2High)), n, a.Const(ln2Low))
}

// Exp is eˣ, within 1 ULP, of any x: e^(n·ln2+r) = 2ⁿ·(1 + r + r²·p(r)). Where
// the result rounds to zero it is not computed, for underflow is slow and such
// x are common: masks.
func (a *Algebra) Exp(x Op) reg.VecVirtual {
	const least, most = -150 * math.Ln2, 89 // beyond, the result is 0 or +Inf
	above := a.Compare(x, NotLess, a.Const(least))
	n, p := a.expParts(a.Lesser(a.Move(a.Const(most)), x))
	if a.Wide() {
		r := a.New()
		VSCALEFPS_Z(n, p, above, r)
		return r
	}
	return a.And(a.scale(p, a.And(n, above)), above)
}

// expParts returns n and p of eˣ = 2ⁿ·p. It uses x up.
func (a *Algebra) expParts(x reg.VecVirtual) (n, p reg.VecVirtual) {
	n, r := a.reduceExp(x)
	p = a.Horner(r, expTerms(4))
	return n, a.MulAdd(a.MulAdd(p, r, a.Const(1)), r, a.Const(1))
}

// scale is x·2ⁿ, rounded once, for integral n of moderate size.
func (a *Algebra) scale(x, n reg.VecVirtual) reg.VecVirtual {
	if a.Wide() {
		r := a.New()
		VSCALEFPS(n, x, r)
		return r
	}
	exponent, half := a.New(), a.New()
	VCVTPS2DQ(n, exponent)
	VPSRAD(U8(1), exponent, half)
	rest := a.IntSub(exponent, half)
	return a.Mul(a.Mul(x, a.powerOfTwo(half)), a.powerOfTwo(rest))
}

// powerOfTwo is 2ⁿ of integers n in [-126, 127].
func (a *Algebra) powerOfTwo(n Op) reg.VecVirtual {
	return a.Shift(a.IntAdd(n, a.Bits(127)), 23)
}

// Expm1 is eˣ-1, within 2 ULP, for x ≤ 0: (2ⁿ-1) + 2ⁿ·(r + r²·p(r)).
func (a *Algebra) Expm1(x Op) reg.VecVirtual {
	const least = -20 // below, the result rounds to -1
	n, r := a.reduceExp(a.Greater(a.Move(a.Const(least)), x))
	p := a.MulAdd(a.Mul(a.Horner(r, expTerms(5)), r), r, r)
	power := a.scale(a.Move(a.Const(1)), n)
	return a.MulAdd(p, power, a.Sub(power, a.Const(1)))
}

// logTerms fits (ln(1+f)-f)/f² where |f| ≤ 1/3.
func logTerms() []float32 {
	f := func(f float64) float64 { return (math.Log1p(f) - f) / (f * f) }
	return Chebyshev(series(1e-3, f, -1./2, 1./3, -1./4, 1./5), -1./3, 1./3, 8)
}

// Log is ln x, within 1 ULP: of x = 2ⁿ·(1+f) with 1+f in [2/3, 4/3],
// n·ln2 + f + f²·p(f).
func (a *Algebra) Log(x reg.VecVirtual) reg.VecVirtual {
	n, m := a.split(x)
	above := a.Compare(m, GreaterThan, a.Const(4./3))
	n = a.Select(above, a.Add(n, a.Const(1)), n)
	m = a.Select(above, a.Mul(m, a.Const(0.5)), m)
	f := a.Sub(m, a.Const(1))
	p := a.Mul(a.Horner(f, logTerms()), f)
	p = a.Add(a.MulAdd(p, f, a.Mul(n, a.Const(ln2Low))), f)
	r := a.MulAdd(n, a.Move(a.Const(ln2High)), p)
	if a.Wide() {
		return r // split has dealt with what is no positive number
	}
	zero := a.Nought()
	r = a.Select(a.Compare(x, Equal, a.Const(float32(math.Inf(1)))), x, r)
	r = a.Select(a.Compare(x, Equal, zero), a.Const(float32(math.Inf(-1))), r)
	r = a.Select(a.Compare(x, LessThan, zero), a.Bits(0x7fc00000), r)
	return a.Select(a.Compare(x, Unordered, x), x, r)
}

// split returns x = 2ⁿ·m with m in [1, 2). Where there are instructions for it,
// x that is zero, infinite or NaN gives n and m whose logarithm is right.
func (a *Algebra) split(x reg.VecVirtual) (n, m reg.VecVirtual) {
	n, m = a.New(), a.New()
	if a.Wide() {
		const fromOne, negativeIsNaN = 0, 8
		VGETEXPPS(x, n)
		VGETMANTPS(U8(fromOne|negativeIsNaN), x, m)
		return n, m
	}
	small := a.Compare(x, LessThan, a.Const(0x1p-126))
	x = a.Select(small, a.Mul(x, a.Const(0x1p23)), x)
	VCVTDQ2PS(a.IntSub(a.Shift(x, -23), a.Bits(127)), n)
	n = a.Select(small, a.Sub(n, a.Const(23)), n)
	m = a.Or(a.And(x, a.Bits(0x007fffff)), a.Const(1))
	return n, m
}

// Erf is erf x, within 1 ULP: x + x·p(x²) where |x| < 1, else
// 1 - exp(q(|x|)) with q close to ln erfc.
func (a *Algebra) Erf(x reg.VecVirtual) reg.VecVirtual {
	const seam, most = 1, 4 // from most on, erf rounds to 1
	near := func(s float64) float64 { return math.Erf(math.Sqrt(s))/math.Sqrt(s) - 1 }
	p := Chebyshev(series(1e-6, near, 2/math.SqrtPi-1, -2/math.SqrtPi/3), 0, seam*seam, 6)
	q := Chebyshev(func(x float64) float64 { return math.Log(math.Erfc(x)) }, seam, most, 8)

	t := a.Abs(x)
	far := a.Exp(a.Horner(a.Lesser(a.Move(a.Const(most)), t), q))
	far = a.Sub(a.Move(a.Const(1)), far)
	far = a.Or(far, a.Sign(x))
	inner := a.MulAdd(a.Horner(a.Mul(x, x), p), x, x)
	return a.Select(a.Compare(t, LessThan, a.Const(seam)), inner, far)
}

// Tanh is tanh x, within 2 ULP: x + x³·p(x²) where |x| < 5/8, else
// 1 - 2/(exp(2|x|)+1).
func (a *Algebra) Tanh(x reg.VecVirtual) reg.VecVirtual {
	const seam = 0.625
	near := func(s float64) float64 { return (math.Tanh(math.Sqrt(s))/math.Sqrt(s) - 1) / s }
	p := Chebyshev(series(1e-4, near, -1./3, 2./15, -17./315), 0, seam*seam, 4)

	t := a.Abs(x)
	far := a.Add(a.Exp(a.Add(t, t)), a.Const(1))
	far = a.Sub(a.Move(a.Const(1)), a.Div(a.Move(a.Const(2)), far))
	square := a.Mul(x, x)
	inner := a.MulAdd(a.Mul(a.Horner(square, p), square), x, x)
	return a.Or(a.Select(a.Compare(t, LessThan, a.Const(seam)), inner, far), a.Sign(x))
}

// expMinusAbs is e^-|x|.
func (a *Algebra) expMinusAbs(x Op) reg.VecVirtual {
	return a.Exp(a.Or(x, a.Bits(0x80000000)))
}

// Sigmoid is 1/(1+e⁻ˣ), within 3 ULP: with z = e^-|x|, 1/(1+z) or z/(1+z), so
// that neither end loses digits.
func (a *Algebra) Sigmoid(x reg.VecVirtual) reg.VecVirtual {
	z := a.expMinusAbs(x)
	negative := a.Compare(x, LessThan, a.Nought())
	return a.Div(a.Select(negative, z, a.Move(a.Const(1))), a.Add(z, a.Const(1)))
}

// Softplus is ln(1+eˣ), within 3 ULP: max(x, 0) + ln(1+z) with z = e^-|x|, and
// ln(1+z) = 2·artanh(s) of s = z/(2+z).
func (a *Algebra) Softplus(x reg.VecVirtual) reg.VecVirtual {
	near := func(w float64) float64 { return (math.Atanh(math.Sqrt(w))/math.Sqrt(w) - 1) / w }
	p := Chebyshev(series(1e-4, near, 1./3, 1./5, 1./7), 0, 1./9, 4)

	z := a.expMinusAbs(x)
	s := a.Div(z, a.Add(z, a.Const(2)))
	w := a.Mul(s, s)
	half := a.MulAdd(a.Mul(a.Horner(w, p), w), s, s)
	return a.MulAdd(half, a.Move(a.Const(2)), a.Greater(a.Nought(), x))
}

// Gelu is x/2·(1+erf(x/√2)), within 2 ULP of x. With e = erfc(|x|/√2) =
// exp(|x|·p(|x|)), it is x·e/2 where x < 0, else x·(1-e/2).
func (a *Algebra) Gelu(x reg.VecVirtual) reg.VecVirtual {
	const most = 4 * math.Sqrt2 // from there on, erf rounds to 1
	exponent := func(t float64) float64 { return math.Log(math.Erfc(t/math.Sqrt2)) / t }
	p := Chebyshev(series(1e-6, exponent, -math.Sqrt2/math.SqrtPi), 0, most, 9)

	t := a.Abs(x)
	q := a.Mul(a.Horner(t, p), t)
	q = a.Select(a.Compare(t, LessThan, a.Const(most)), q, a.Move(a.Const(float32(math.Inf(-1)))))
	half := a.Mul(a.Exp(q), a.Const(0.5))
	negative := a.Compare(x, LessThan, a.Nought())
	return a.Mul(x, a.Select(negative, half, a.Sub(a.Move(a.Const(1)), half)))
}

// gated is x·sigmoid(t) = x/(1+e⁻ᵗ), within 3 ULP of x: where sigmoid(t) is less
// than any normal number, it is zero.
func (a *Algebra) gated(x Op, t reg.VecVirtual) reg.VecVirtual {
	if a.Wide() {
		return a.Mul(a.sigmoidOf(t), x)
	}
	const least, most = -89, 87 // e⁸⁹ is +Inf, and below 1+e⁻⁸⁷ lies 1
	t = a.Clamp(t, a.Move(a.Const(least)), a.Move(a.Const(most)))
	n, p := a.expParts(a.Xor(t, a.Bits(0x80000000)))
	return a.Div(x, a.Add(a.scale(p, n), a.Const(1)))
}

// sigmoidOf is 1/(1+2ᵘ) with u = -t·log₂e, within 2⁻²³: close to 0 it is not
// close to sigmoid(t) in proportion. The quotient is Newton's step from an
// approximate one, for that takes less time than a division.
func (a *Algebra) sigmoidOf(t reg.VecVirtual) reg.VecVirtual {
	const down, most = 1, 126 // from 2¹²⁶ on, a reciprocal is no normal number
	u, r := a.Mul(t, a.Const(-math.Log2E)), a.New()
	above := a.Compare(u, LessThan, a.Const(most))
	u = a.Lesser(a.Move(a.Const(most)), u)
	VREDUCEPS(U8(down), u, r)
	p := a.Horner(r, Chebyshev(math.Exp2, 0, 1, 5))
	VSCALEFPS(u, p, p)
	p = a.Add(p, a.Const(1))
	VRCP14PS_Z(p, above, r)
	rest := a.SubMul(a.Move(a.Const(1)), p, r)
	return a.MulAdd(rest, r, r)
}

// GeluTanh is x/2·(1+tanh u) = x·sigmoid(2u) with u = √(2/π)·(x+0.044715·x³).
func (a *Algebra) GeluTanh(x reg.VecVirtual) reg.VecVirtual {
	c := 2 * math.Sqrt(2/math.Pi)
	t := a.Horner(a.Mul(x, x), []float32{float32(c), float32(c * 0.044715)})
	return a.gated(x, a.Mul(t, x))
}

// Silu is x·sigmoid(x).
func (a *Algebra) Silu(x reg.VecVirtual) reg.VecVirtual { return a.gated(x, x) }
