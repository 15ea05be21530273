package ops

import (
	"cmp"
	"fmt"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// ofOperands makes the loop over rows of one over two slices, and of those where the second or the first operand is one number.
func ofOperands[T, U any](both func(dst []U, a, b []T), right, left func(dst []U, x []T, s T)) pairs[T, T, U] {
	return func(dst []U, a, b []T) {
		switch {
		case len(a) == len(dst) && len(b) == len(dst):
			both(dst, a, b)
		case len(a) == len(dst):
			right(dst, a, b[0])
		case len(b) == len(dst):
			left(dst, b, a[0])
		default:
			both(dst[:1], a, b)
			fill(dst, dst[0])
		}
	}
}

// relation is the loop of a comparison.
func relation[T cmp.Ordered](op string) pairs[T, T, bool] {
	switch op {
	case "Equal":
		return ofOperands(equals[T], equalToOne[T], equalToOne[T])
	case "Greater":
		return ofOperands(greaterThan[T], greaterThanOne[T], lessThanOne[T])
	case "GreaterOrEqual":
		return ofOperands(atLeastEach[T], atLeastOne[T], atMostOne[T])
	case "Less":
		return ofOperands(func(dst []bool, a, b []T) { greaterThan(dst, b, a) }, lessThanOne[T], greaterThanOne[T])
	case "LessOrEqual":
		return ofOperands(func(dst []bool, a, b []T) { atLeastEach(dst, b, a) }, atMostOne[T], atLeastOne[T])
	}
	panic(fmt.Sprintf("ops: %s is no comparison", op))
}

// float32Relation is relation through the vector kernels.
func float32Relation(op string, v *vector.Funcs) pairs[float32, float32, bool] {
	e, ok := map[string]struct{ both, mirrored vector.Relation }{
		"Equal":          {vector.Equal, vector.Equal},
		"Greater":        {vector.Greater, vector.Less},
		"GreaterOrEqual": {vector.GreaterOrEqual, vector.LessOrEqual},
		"Less":           {vector.Less, vector.Greater},
		"LessOrEqual":    {vector.LessOrEqual, vector.GreaterOrEqual},
	}[op]
	if !ok {
		panic(fmt.Sprintf("ops: %s is no comparison", op))
	}
	return ofOperands(v.Compare[e.both], v.CompareScalar[e.both], v.CompareScalar[e.mirrored])
}

func equals[T comparable](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] == b[i]
	}
}

func greaterThan[T cmp.Ordered](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] > b[i]
	}
}

func atLeastEach[T cmp.Ordered](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] >= b[i]
	}
}

func equalToOne[T comparable](dst []bool, x []T, s T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] == s
	}
}

func greaterThanOne[T cmp.Ordered](dst []bool, x []T, s T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] > s
	}
}

func lessThanOne[T cmp.Ordered](dst []bool, x []T, s T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] < s
	}
}

func atLeastOne[T cmp.Ordered](dst []bool, x []T, s T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] >= s
	}
}

func atMostOne[T cmp.Ordered](dst []bool, x []T, s T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] <= s
	}
}
