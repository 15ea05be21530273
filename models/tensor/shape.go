package tensor

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Unknown is a dimension that is not known before a run.
const Unknown = -1

// Shape lists a tensor's dimensions, outermost first. An empty Shape is a scalar's; a nil one is also a scalar's, except where a
// comment says that nil stands for an unknown rank. Dimensions are 0 or more, or Unknown.
type Shape []int

// Static reports whether every dimension is known.
func (s Shape) Static() bool { return !slices.Contains(s, Unknown) }

// Elements is the product of the dimensions; it needs a static shape. A product that does not fit an int is math.MaxInt.
func (s Shape) Elements() int {
	n := 1
	for _, d := range s {
		if d < 0 {
			panic("tensor: Elements of a shape that is not static: " + s.String())
		}
	}
	if slices.Contains(s, 0) {
		return 0
	}
	for _, d := range s {
		if n > math.MaxInt/d {
			return math.MaxInt
		}
		n *= d
	}
	return n
}

// Equal reports whether two shapes have the same dimensions.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// Clone copies the shape; the copy of a scalar's shape is not nil.
func (s Shape) Clone() Shape { return append(Shape{}, s...) }

// String prints 1x3x224x224, ? for an unknown dimension, and "scalar".
func (s Shape) String() string {
	if len(s) == 0 {
		return "scalar"
	}
	var b strings.Builder
	for i, d := range s {
		if i > 0 {
			b.WriteByte('x')
		}
		if d == Unknown {
			b.WriteByte('?')
		} else {
			b.WriteString(strconv.Itoa(d))
		}
	}
	return b.String()
}

// Strides are the distances, in elements, between neighbours along each dimension of a dense row-major tensor.
func (s Shape) Strides() []int {
	st := make([]int, len(s))
	n := 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = n
		n *= max(s[i], 1)
	}
	return st
}
