package move

import (
	"fmt"
	"unsafe"
)

// View is how a copy walks a slice: the element at index (i₀, i₁, …) is
// Origin + Σ iₖ·Stride[k]. Strides are in elements and may be zero, which
// repeats, or negative, which goes backwards.
type View struct {
	Origin int
	Stride []int
}

// MaxRank is the greatest number of axes that Copy takes.
const MaxRank = 8

// Copy copies shape's elements from where one view finds them to where another
// puts them. It covers slicing, transposition by any permutation, expansion
// and concatenation.
func Copy[T Element](f *Funcs, dst []T, to View, src []T, from View, shape []int) {
	if len(shape) > MaxRank || len(to.Stride) != len(shape) || len(from.Stride) != len(shape) {
		panic("move: views and shape differ in rank, or have more than 8 axes")
	}
	var w walk
	if !w.collapse(to.Stride, from.Stride, shape) {
		return
	}
	copyWidest(f, dst, to.Origin, src, from.Origin, &w)
}

// copyWidest copies along all axes, as the largest elements that it may.
func copyWidest[T Element](f *Funcs, dst []T, d int, src []T, s int, w *walk) {
	if w.pairs(d, s, pairable(dst) && pairable(src)) {
		copyPairs(f, dst, d, src, s, w)
		return
	}
	copyWalk(f, dst, d, src, s, w)
}

// copyWalk copies along all axes, the inner ones at once.
func copyWalk[T Element](f *Funcs, dst []T, d int, src []T, s int, w *walk) {
	inner := w.innerAxes()
	outer := w.rank - inner
	var index [MaxRank]int
	for {
		copyInner(f, dst, d, src, s, w.axes[outer:w.rank])
		k := outer - 1
		for ; k >= 0; k-- {
			a := w.axes[k]
			index[k]++
			d, s = d+a.to, s+a.from
			if index[k] < a.n {
				break
			}
			d, s = d-a.n*a.to, s-a.n*a.from
			index[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

// axis is one axis of a copy: n steps of to elements in dst, from in src.
type axis struct{ n, to, from int }

// walk is a copy reduced to the fewest axes.
type walk struct {
	axes [MaxRank]axis
	rank int
}

// collapse drops axes of one element and merges neighbours that both sides walk
// as one. It reports whether there is anything to copy.
func (w *walk) collapse(to, from, shape []int) bool {
	for k, n := range shape {
		if n <= 0 {
			return false
		}
		if n == 1 {
			continue
		}
		next := axis{n, to[k], from[k]}
		if w.rank > 0 {
			last := &w.axes[w.rank-1]
			if last.to == next.n*next.to && last.from == next.n*next.from {
				*last = axis{last.n * next.n, next.to, next.from}
				continue
			}
		}
		w.axes[w.rank] = next
		w.rank++
	}
	return true
}

// narrow is the extent below which an axis is a column of a few elements, and not
// a row, of what is copied.
const narrow = 16

// innerAxes returns how many of the last axes copyInner does at once, moving a
// pair that forms a transpose to the end.
func (w *walk) innerAxes() int {
	if w.rank < 2 {
		return w.rank
	}
	last := w.axes[w.rank-1]
	for k := w.rank - 2; k >= 0; k-- {
		if !isMatrix(w.axes[k], last) {
			continue
		}
		pair := w.axes[k]
		copy(w.axes[k:w.rank-2], w.axes[k+1:w.rank-1])
		w.axes[w.rank-2] = pair
		return 2
	}
	if last.n < narrow {
		return 2
	}
	return 1
}

// isMatrix reports whether two axes, neighbours or not, are the columns and
// rows of a matrix that Transpose can do.
func isMatrix(cols, rows axis) bool {
	return rows.from != 1 && rows.to == 1 && cols.from == 1 && cols.to >= rows.n && rows.from >= cols.n
}

// pairs makes the walk one over pairs of neighbouring elements, if those stay
// neighbours, it would be faster, and a pair is what an element can be.
func (w *walk) pairs(d, s int, aligned bool) bool {
	if w.rank == 0 {
		return false
	}
	last := &w.axes[w.rank-1]
	if last.to != 1 || last.from != 1 || last.n%2 != 0 || last.n >= narrow || d%2 != 0 || s%2 != 0 || !aligned {
		return false
	}
	for k := range w.rank - 1 {
		if w.axes[k].to%2 != 0 || w.axes[k].from%2 != 0 {
			return false
		}
	}
	for k := range w.rank - 1 {
		w.axes[k].to /= 2
		w.axes[k].from /= 2
	}
	if last.n /= 2; last.n == 1 {
		w.rank--
	}
	return true
}

// pairable reports whether pairs of elements at the start of x are an element of
// twice the size, where there is one.
func pairable[T Element](x []T) bool {
	size := unsafe.Sizeof(x[0])
	return size < 8 && uintptr(unsafe.Pointer(&x[0]))%(2*size) == 0
}

// copyPairs is copyWalk over pairs, and over pairs of those.
func copyPairs[T Element](f *Funcs, dst []T, d int, src []T, s int, w *walk) {
	switch unsafe.Sizeof(src[0]) {
	case 1:
		copyWidest(f, paired[uint16](dst), d/2, paired[uint16](src), s/2, w)
	case 2:
		copyWidest(f, paired[uint32](dst), d/2, paired[uint32](src), s/2, w)
	case 4:
		copyWidest(f, paired[uint64](dst), d/2, paired[uint64](src), s/2, w)
	}
}

// paired is x as elements of twice the size.
func paired[P, T Element](x []T) []P {
	return unsafe.Slice((*P)(unsafe.Pointer(&x[0])), len(x)/2)
}

// copyInner copies from src[s:] to dst[d:] along at most two axes.
func copyInner[T Element](f *Funcs, dst []T, d int, src []T, s int, axes []axis) {
	switch {
	case len(axes) == 0:
		dst[d] = src[s]
	case len(axes) == 2 && isMatrix(axes[0], axes[1]):
		cols, rows := axes[0], axes[1]
		Transpose(f, dst[d:], src[s:], rows.n, cols.n, cols.to, rows.from)
	case len(axes) == 2:
		copyColumns(dst, d, src, s, axes[0], axes[1])
	case axes[0].to == 1 && axes[0].from == 1:
		copy(dst[d:d+axes[0].n], src[s:s+axes[0].n])
	case axes[0].to == 1 && axes[0].from == 0:
		Fill(dst[d:d+axes[0].n], src[s])
	default:
		copyAxis(dst, d, src, s, axes[0])
	}
}

// copyAxis copies along one axis.
func copyAxis[T Element](dst []T, d int, src []T, s int, a axis) {
	for range a.n {
		dst[d] = src[s]
		d, s = d+a.to, s+a.from
	}
}

// copyColumns copies few columns of many rows, column by column of as many rows
// as stay in the first-level cache.
func copyColumns[T Element](dst []T, d int, src []T, s int, rows, cols axis) {
	const most = 256
	for left := rows.n; left > 0; left -= most {
		part := axis{min(left, most), rows.to, rows.from}
		for j := range cols.n {
			copyAxis(dst, d+j*cols.to, src, s+j*cols.from, part)
		}
		d, s = d+part.n*rows.to, s+part.n*rows.from
	}
}

// GatherRows copies row index[i] of table, whose rows are width elements, to
// row i of dst. A negative index counts from the end, as in ONNX Gather. An
// index outside the table is an error, and leaves dst partly written.
func GatherRows[T Element](dst, table []T, width int, index []int64) error {
	if width == 0 {
		return nil
	}
	rows := int64(len(table) / width)
	for i, r := range index {
		if r < -rows || r >= rows {
			return fmt.Errorf("index %d at position %d is outside [%d, %d)", r, i, -rows, rows)
		}
		if r < 0 {
			r += rows
		}
		copy(dst[i*width:(i+1)*width], table[int(r)*width:(int(r)+1)*width])
	}
	return nil
}
