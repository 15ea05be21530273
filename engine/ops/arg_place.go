package ops

import "unsafe"

// argument finds where along an axis the extreme element is. NaN is beyond all numbers; of equal elements the first counts, or the last.
type argument[T number] struct {
	*fibres
	most, last bool
	whole      func(x []float32) float32 // the extreme of a row of float32; nil for the loop over its elements
}

// rows finds the places in some lines of contiguous elements.
func (a *argument[T]) rows(c *Call, from, to int) {
	x, out := elements[T](&c.In[0].Tensor), elements[int64](&c.Out[0].Tensor)
	for o := from; o < to; o++ {
		line := x[o*a.d:][:a.d]
		if a.whole != nil {
			out[o] = int64(placeOf(floats32(line), a.whole))
		} else {
			out[o] = int64(a.place(line))
		}
	}
}

// place finds the place in a line.
func (a *argument[T]) place(x []T) int {
	best, at := x[0], 0
	for k, v := range x {
		var before bool
		switch {
		case a.most && a.last:
			before = v < best
		case a.most:
			before = v <= best
		case a.last:
			before = v > best
		default:
			before = v >= best
		}
		if !before && (best == best || a.last && v != v) {
			best, at = v, k
		}
	}
	return at
}

// columns finds the places in as many columns of a matrix as best has elements, from the first on.
func (a *argument[T]) columns(c *Call, best []T, matrix, first int) {
	x, out := elements[T](&c.In[0].Tensor), elements[int64](&c.Out[0].Tensor)
	x, at := x[matrix*a.d*a.inner+first:], out[matrix*a.inner+first:][:len(best)]
	copy(best, x)
	clear(at)
	for k := 1; k < a.d; k++ {
		row := x[k*a.inner:][:len(best)]
		switch {
		case a.last:
			takeLast(best, at, row, k, a.most)
		case a.most:
			for i, v := range row {
				if b := best[i]; !(v <= b) && b == b {
					best[i], at[i] = v, int64(k)
				}
			}
		default:
			for i, v := range row {
				if b := best[i]; !(v >= b) && b == b {
					best[i], at[i] = v, int64(k)
				}
			}
		}
	}
}

// takeLast takes row k into the best so far and their places, where of equal elements the last counts.
func takeLast[T number](best []T, at []int64, row []T, k int, most bool) {
	for i, v := range row {
		b := best[i]
		before := v > b
		if most {
			before = v < b
		}
		if !before && (b == b || v != v) {
			best[i], at[i] = v, int64(k)
		}
	}
}

// placeOf is the first place of a row's extreme.
func placeOf(x []float32, whole func(x []float32) float32) int {
	extreme := whole(x)
	for i, v := range x {
		if v == extreme || extreme != extreme && v != v {
			return i
		}
	}
	return 0
}

// floats32 views elements as float32, which they are.
func floats32[T number](x []T) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}
