package vector

// sameLength panics unless every operand has the length of the result.
func sameLength(dst int, operands ...int) {
	for _, n := range operands {
		if n != dst {
			panic("vector: operand and result differ in length")
		}
	}
}

func mapUnary(fn func(float32) float32) func(dst, x []float32) {
	return func(dst, x []float32) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = fn(v)
		}
	}
}

func mapParam(fn func(x, alpha, beta float32) float32) func(dst, x []float32, alpha, beta float32) {
	return func(dst, x []float32, alpha, beta float32) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = fn(v, alpha, beta)
		}
	}
}

func mapBinary(fn func(a, b float32) float32) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		sameLength(len(dst), len(a), len(b))
		for i := range dst {
			dst[i] = fn(a[i], b[i])
		}
	}
}

func mapScalar(fn func(x, s float32) float32) func(dst, x []float32, s float32) {
	return func(dst, x []float32, s float32) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = fn(v, s)
		}
	}
}

func mapUnaryBF16(fn func(float32) float32) func(dst, x []uint16) {
	return func(dst, x []uint16) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = RoundBF16(fn(WidenBF16(v)))
		}
	}
}

func mapParamBF16(fn func(x, alpha, beta float32) float32) func(dst, x []uint16, alpha, beta float32) {
	return func(dst, x []uint16, alpha, beta float32) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = RoundBF16(fn(WidenBF16(v), alpha, beta))
		}
	}
}

func mapBinaryBF16(fn func(a, b float32) float32) func(dst, a, b []uint16) {
	return func(dst, a, b []uint16) {
		sameLength(len(dst), len(a), len(b))
		for i := range dst {
			dst[i] = RoundBF16(fn(WidenBF16(a[i]), WidenBF16(b[i])))
		}
	}
}
