package move

import "fmt"

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
	inner := w.innerAxes()
	outer := w.rank - inner
	var index [MaxRank]int
	d, s := to.Origin, from.Origin
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

// innerAxes returns how many of the last axes copyInner does at once, moving a
// pair that forms a transpose to the end.
func (w *walk) innerAxes() int {
	if w.rank < 2 || w.axes[w.rank-1].from == 1 || w.axes[w.rank-1].to != 1 {
		return min(w.rank, 1)
	}
	for k := w.rank - 2; k >= 0; k-- {
		if w.axes[k].from != 1 || w.axes[k].to < w.axes[w.rank-1].n || w.axes[w.rank-1].from < w.axes[k].n {
			continue
		}
		pair := w.axes[k]
		copy(w.axes[k:w.rank-2], w.axes[k+1:w.rank-1])
		w.axes[w.rank-2] = pair
		return 2
	}
	return 1
}

// copyInner copies from src[s:] to dst[d:] along at most two axes.
func copyInner[T Element](f *Funcs, dst []T, d int, src []T, s int, axes []axis) {
	switch {
	case len(axes) == 0:
		dst[d] = src[s]
	case len(axes) == 2:
		cols, rows := axes[0], axes[1]
		Transpose(f, dst[d:], src[s:], rows.n, cols.n, cols.to, rows.from)
	case axes[0].to == 1 && axes[0].from == 1:
		copy(dst[d:d+axes[0].n], src[s:s+axes[0].n])
	case axes[0].to == 1 && axes[0].from == 0:
		Fill(dst[d:d+axes[0].n], src[s])
	default:
		a := axes[0]
		for range a.n {
			dst[d] = src[s]
			d, s = d+a.to, s+a.from
		}
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
