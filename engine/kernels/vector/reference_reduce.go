package vector

import "math"

func sum(x []float32) float32 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return float32(s)
}

func sumSquares(x []float32) float32 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return float32(s)
}

func dot(a, b []float32) float32 {
	sameLength(len(a), len(b))
	var s float64
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return float32(s)
}

func matVec(dst, x, w []float32) {
	wholeMatrix(dst, x, w)
	for j := range dst {
		s := float64(dst[j])
		for k, v := range x {
			s += float64(v) * float64(w[k*len(dst)+j])
		}
		dst[j] = float32(s)
	}
}

// wholeMatrix panics unless w has a row of len(dst) for each of x.
func wholeMatrix(dst, x, w []float32) {
	if len(dst)%MatVecLanes != 0 {
		panic("vector: a matrix of columns that are no whole vectors")
	}
	sameLength(len(w), len(dst)*len(x))
}

func maximum(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = larger(m, v)
		if v != v {
			return v
		}
	}
	return m
}

func minimum(x []float32) float32 {
	m := float32(math.Inf(1))
	for _, v := range x {
		m = smaller(m, v)
		if v != v {
			return v
		}
	}
	return m
}

func axpy(y, x []float32, alpha float32) {
	sameLength(len(y), len(x))
	for i, v := range x {
		y[i] = multiplyAdd(v, alpha, y[i])
	}
}

func scaleShift(dst, x, scale, bias []float32) {
	sameLength(len(dst), len(x))
	sameLength(len(scale), len(bias))
	wholeRows(len(dst), len(scale))
	for c := len(scale); len(dst) > 0; dst, x = dst[c:], x[c:] {
		for i := range scale {
			dst[i] = multiplyAdd(x[i], scale[i], bias[i])
		}
	}
}

// wholeRows panics unless n elements are a whole number of rows of c.
func wholeRows(n, c int) {
	if c == 0 && n != 0 || c != 0 && n%c != 0 {
		panic("vector: operand is not a whole number of rows")
	}
}
