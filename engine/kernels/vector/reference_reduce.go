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

func codeDots(bits int) func(dst, x []float32, w []uint8, scales, zeros []float32) {
	return func(dst, x []float32, w []uint8, scales, zeros []float32) {
		blocks := codeBlocks(dst, x, w, scales, zeros, bits)
		for j := range dst {
			var total float64
			for i := range len(x) {
				at, k := j*len(x)+i, i
				code := w[at*bits/8]
				if bits == 4 {
					code = code >> (at % 2 * 4) & 15
					k = i&^(CodeGroup-1) + i%2*(CodeGroup/2) + i%CodeGroup/2
				}
				b := j*blocks + i/(len(x)/blocks)
				total += float64(x[k]) * (float64(code) - float64(zeros[b%len(zeros)])) * float64(scales[b])
			}
			dst[j] = float32(total)
		}
	}
}

// codeBlocks is the number of blocks of each row of codes; it panics unless there are scales and zeros for them, and codes for all elements.
func codeBlocks(dst, x []float32, w []uint8, scales, zeros []float32, bits int) int {
	if len(dst) == 0 {
		return 0
	}
	blocks := len(scales) / len(dst)
	sameLength(len(scales), blocks*len(dst))
	sameLength(len(w), len(dst)*len(x)*bits/8)
	if len(zeros) != 1 {
		sameLength(len(zeros), len(scales))
	}
	if blocks > 0 && len(x)%(blocks*CodeGroup) != 0 || blocks == 0 && len(x) > 0 {
		panic("vector: blocks of codes that are no whole groups")
	}
	return blocks
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
