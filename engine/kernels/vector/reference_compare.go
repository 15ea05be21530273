package vector

func compareFunctions() [relations]func(a, b float32) bool {
	return [relations]func(a, b float32) bool{
		Equal:          func(a, b float32) bool { return a == b },
		Greater:        func(a, b float32) bool { return a > b },
		GreaterOrEqual: func(a, b float32) bool { return a >= b },
		Less:           func(a, b float32) bool { return a < b },
		LessOrEqual:    func(a, b float32) bool { return a <= b },
	}
}

func mapCompare(fn func(a, b float32) bool) func(dst []bool, a, b []float32) {
	return func(dst []bool, a, b []float32) {
		sameLength(len(dst), len(a), len(b))
		for i := range dst {
			dst[i] = fn(a[i], b[i])
		}
	}
}

func mapCompareScalar(fn func(a, b float32) bool) func(dst []bool, x []float32, s float32) {
	return func(dst []bool, x []float32, s float32) {
		sameLength(len(dst), len(x))
		for i, v := range x {
			dst[i] = fn(v, s)
		}
	}
}

func choose(dst []uint32, cond []bool, a, b []uint32) {
	sameLength(len(dst), len(cond), len(a), len(b))
	for i, yes := range cond {
		v, other := b[i], a[i]
		if yes {
			v = other
		}
		dst[i] = v
	}
}

func chooseScalar(dst []uint32, cond []bool, x []uint32, when bool, s uint32) {
	sameLength(len(dst), len(cond), len(x))
	for i, yes := range cond {
		v := x[i]
		if yes == when {
			v = s
		}
		dst[i] = v
	}
}
