package ops

import (
	"math"

	"github.com/eiplan/eiplan/models/tensor"
)

// minifloat is a floating-point format of at most eight bits: a sign where signed, an exponent, a mantissa. The formats are those of the ONNX
// documentation, "Float stored in 8 bits" and "Float stored in 4 bits".
type minifloat struct {
	signed         bool
	mantissa, bias int
	codes          int  // how many codes one sign has
	infinity       int  // the code of infinity; 0 where there is none
	nan            int  // the code of a NaN; 0 where there is none
	noNegativeZero bool // whose code is NaN instead
	finite         bool // neither infinity nor NaN: what is too large is always the largest number
}

// minifloatOf is the format of a type, and false for types that are no such format.
func minifloatOf(d tensor.DType) (minifloat, bool) {
	m, ok := map[tensor.DType]minifloat{
		tensor.Float8E4M3FN:   {signed: true, mantissa: 3, bias: 7, codes: 0x7f, nan: 0x7f},
		tensor.Float8E4M3FNUZ: {signed: true, mantissa: 3, bias: 8, codes: 0x80, nan: 0x80, noNegativeZero: true},
		tensor.Float8E5M2:     {signed: true, mantissa: 2, bias: 15, codes: 0x7c, infinity: 0x7c, nan: 0x7e},
		tensor.Float8E5M2FNUZ: {signed: true, mantissa: 2, bias: 16, codes: 0x80, nan: 0x80, noNegativeZero: true},
		tensor.Float8E8M0:     {mantissa: 0, bias: 127, codes: 0xff, nan: 0xff},
		tensor.Float4E2M1:     {signed: true, mantissa: 1, bias: 1, codes: 8, nan: 8, finite: true}, // -0 stands for NaN, as in ml_dtypes,
	}[d]
	return m, ok
}

// signBit is the code of the sign.
func (m minifloat) signBit() int {
	if m.codes <= 8 {
		return 8
	}
	return 0x80
}

// magnitude is the number of a code without a sign.
func (m minifloat) magnitude(code int) float64 {
	exponent, fraction := code>>m.mantissa, code&(1<<m.mantissa-1)
	if !m.signed {
		return math.Ldexp(1, code-m.bias)
	}
	if exponent == 0 {
		return math.Ldexp(float64(fraction), 1-m.bias-m.mantissa)
	}
	return math.Ldexp(float64(fraction+1<<m.mantissa), exponent-m.bias-m.mantissa)
}

// decode is the number of a code.
func (m minifloat) decode(code uint8) float32 {
	c, sign := int(code), float64(1)
	if m.noNegativeZero && c == m.nan {
		return float32(math.NaN())
	}
	if m.signed && c&m.signBit() != 0 {
		c, sign = c&^m.signBit(), -1
	}
	switch {
	case c < m.codes:
		return float32(sign * m.magnitude(c))
	case m.infinity != 0 && c == m.infinity:
		return float32(math.Inf(int(sign)))
	}
	return float32(math.NaN())
}

// encode rounds to the nearest number, ties to an even code. What is too large becomes the largest number where saturate holds, else infinity or NaN.
func (m minifloat) encode(x float64, saturate bool) uint8 {
	sign := 0
	if m.signed && math.Signbit(x) {
		sign, x = m.signBit(), -x
	}
	switch {
	case x == x:
	case m.noNegativeZero:
		return uint8(m.nan)
	default:
		return uint8(m.nan | sign)
	}
	if !m.signed && x < 0 {
		return uint8(m.nan)
	}
	code := m.nearest(x)
	if code >= m.codes {
		switch {
		case saturate || m.finite:
			code = m.codes - 1
		case m.infinity != 0:
			code = m.infinity
		default:
			code = m.nan
		}
	}
	if m.noNegativeZero && (code == 0 || code == m.nan) {
		sign = 0
	}
	return uint8(code | sign)
}

// nearest is the code of the number nearest to x ≥ 0; codes and above where that would be too large.
func (m minifloat) nearest(x float64) int {
	low, high := 0, m.codes
	for low+1 < high { // the greatest code whose number is at most x
		mid := (low + high) / 2
		if m.magnitude(mid) <= x {
			low = mid
		} else {
			high = mid
		}
	}
	below, above := x-m.magnitude(low), m.magnitude(low+1)-x
	if above < below || above == below && low&1 == 1 {
		return low + 1
	}
	return low
}

// encodeScale is encode for float8e8m0, powers of two: between two of them, round tells which to take, "up", "down" or "nearest".
func (m minifloat) encodeScale(x float64, saturate bool, round string) uint8 {
	if x != x || x < 0 {
		return uint8(m.nan)
	}
	low, high := 0, m.codes
	for low+1 < high {
		mid := (low + high) / 2
		if m.magnitude(mid) <= x {
			low = mid
		} else {
			high = mid
		}
	}
	power := m.magnitude(low)
	switch {
	case x <= power:
	case round == "up", round == "nearest" && x >= 1.5*power:
		low++
	}
	if low >= m.codes {
		if saturate {
			return uint8(m.codes - 1)
		}
		return uint8(m.nan)
	}
	return uint8(low)
}
