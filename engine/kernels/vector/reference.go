package vector

import "math"

// Reference returns the variant in plain Go, which defines what the others
// compute. Approximate functions go through float64.
func Reference() *Funcs {
	f := &Funcs{
		Variant: "generic",
		Dot:     dot, MatVec: matVec, Dots4: codeDots(4), Dots8: codeDots(8), Axpy: axpy, ScaleShift: scaleShift,
		ToBF16: toBF16, FromBF16: fromBF16, ToF16: toF16, FromF16: fromF16,
		QuantizeUint8: quantizeUint8, QuantizeInt8: quantizeInt8,
		DequantizeUint8: dequantizeUint8, DequantizeInt8: dequantizeInt8,
		Choose: choose, ChooseScalar: chooseScalar,
		FromInt32: fromInt32, FromInt64: fromInt64,
		Reduce: [reduceOps]func([]float32) float32{sum, sumSquares, maximum, minimum},
	}
	for op, fn := range unaryFunctions() {
		f.Unary[op] = mapUnary(fn)
		f.UnaryBF16[op] = mapUnaryBF16(fn)
	}
	for op, fn := range paramFunctions() {
		f.Param[op] = mapParam(fn)
		f.ParamBF16[op] = mapParamBF16(fn)
	}
	for op, fn := range binaryFunctions() {
		f.Binary[op] = mapBinary(fn)
		f.BinaryBF16[op] = mapBinaryBF16(fn)
	}
	for r, fn := range compareFunctions() {
		f.Compare[r] = mapCompare(fn)
		f.CompareScalar[r] = mapCompareScalar(fn)
	}
	for op, fn := range scalarFunctions() {
		f.Scalar[op] = mapScalar(fn)
	}
	return f
}

func unaryFunctions() [unaryOps]func(float32) float32 {
	return [unaryOps]func(float32) float32{
		Neg:        func(x float32) float32 { return -x },
		Abs:        func(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) },
		Sqrt:       func(x float32) float32 { return float32(math.Sqrt(float64(x))) },
		Reciprocal: func(x float32) float32 { return 1 / x },
		Floor:      func(x float32) float32 { return float32(math.Floor(float64(x))) },
		Ceil:       func(x float32) float32 { return float32(math.Ceil(float64(x))) },
		Round:      func(x float32) float32 { return float32(math.RoundToEven(float64(x))) },
		Relu:       func(x float32) float32 { return atLeast(x, 0) },
		Exp:        func(x float32) float32 { return float32(math.Exp(float64(x))) },
		Log:        func(x float32) float32 { return float32(math.Log(float64(x))) },
		Erf:        func(x float32) float32 { return float32(math.Erf(float64(x))) },
		Tanh:       func(x float32) float32 { return float32(math.Tanh(float64(x))) },
		Sigmoid:    func(x float32) float32 { return float32(sigmoid(float64(x))) },
		Softplus:   func(x float32) float32 { return float32(softplus(float64(x))) },
		Gelu:       func(x float32) float32 { return float32(gelu(float64(x))) },
		GeluTanh:   func(x float32) float32 { return float32(geluTanh(float64(x))) },
		Silu:       func(x float32) float32 { return float32(float64(x) * sigmoid(float64(x))) },
		HardSwish: func(x float32) float32 {
			return float32(float64(x) * min(max(float64(x)/6+0.5, 0), 1))
		},
		Sin:  sine,
		Cos:  cosine,
		Atan: func(x float32) float32 { return float32(math.Atan(float64(x))) },
		Sign: func(x float32) float32 {
			if x > 0 || x < 0 {
				return float32(math.Copysign(1, float64(x)))
			}
			return x + 0
		},
	}
}

func paramFunctions() [paramOps]func(x, alpha, beta float32) float32 {
	return [paramOps]func(x, alpha, beta float32) float32{
		Clip: func(x, alpha, beta float32) float32 { return atMost(atLeast(x, alpha), beta) },
		LeakyRelu: func(x, alpha, _ float32) float32 {
			if x < 0 {
				return alpha * x
			}
			return x
		},
		Affine:      multiplyAdd,
		HardSigmoid: func(x, alpha, beta float32) float32 { return atMost(atLeast(multiplyAdd(x, alpha, beta), 0), 1) },
		Elu: func(x, alpha, _ float32) float32 {
			if x < 0 {
				return float32(float64(alpha) * math.Expm1(float64(x)))
			}
			return x
		},
		ThresholdedRelu: func(x, alpha, _ float32) float32 {
			if x > alpha {
				return x
			}
			return 0
		},
		Shrink: func(x, alpha, beta float32) float32 {
			switch {
			case x < -beta:
				return x + alpha
			case x > beta:
				return x - alpha
			}
			return 0
		},
	}
}

func binaryFunctions() [binaryOps]func(a, b float32) float32 {
	return [binaryOps]func(a, b float32) float32{
		Add: func(a, b float32) float32 { return a + b },
		Sub: func(a, b float32) float32 { return a - b },
		Mul: func(a, b float32) float32 { return a * b },
		Div: func(a, b float32) float32 { return a / b },
		Max: larger,
		Min: smaller,
		PRelu: func(a, b float32) float32 {
			if a < 0 {
				return a * b
			}
			return a
		},
	}
}

func scalarFunctions() [scalarOps]func(x, s float32) float32 {
	return [scalarOps]func(x, s float32) float32{
		AddScalar:     func(x, s float32) float32 { return x + s },
		SubScalar:     func(x, s float32) float32 { return x - s },
		SubFromScalar: func(x, s float32) float32 { return s - x },
		MulScalar:     func(x, s float32) float32 { return x * s },
		DivScalar:     func(x, s float32) float32 { return x / s },
		DivIntoScalar: func(x, s float32) float32 { return s / x },
		MaxScalar:     larger,
		MinScalar:     smaller,
	}
}

// larger returns a when a > b or a is NaN, else b.
func larger(a, b float32) float32 {
	if a > b || a != a {
		return a
	}
	return b
}

// smaller returns a when a < b or a is NaN, else b.
func smaller(a, b float32) float32 {
	if a < b || a != a {
		return a
	}
	return b
}

// atLeast returns x, or low where that is more. NaN stays NaN and -0 stays -0.
func atLeast(x, low float32) float32 {
	if low > x {
		return low
	}
	return x
}

// atMost returns x, or high where that is less. NaN stays NaN.
func atMost(x, high float32) float32 {
	if high < x {
		return high
	}
	return x
}

// multiplyAdd returns x·m + a. The product is exact in float64; where the sum
// is not, rounding twice differs from once by at most one unit in the last
// place.
func multiplyAdd(x, m, a float32) float32 {
	return float32(float64(x)*float64(m) + float64(a))
}

func sine(x float32) float32 { return float32(math.Sin(float64(x))) }

func cosine(x float32) float32 { return float32(math.Cos(float64(x))) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func gelu(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

func geluTanh(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}
