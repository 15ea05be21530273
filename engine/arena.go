package engine

import (
	"cmp"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// align is what every buffer of a session is aligned to, in bytes: a cache line, and the widest vector.
const align = 64

// slack is how many bytes behind a buffer a kernel may read, though not use: whole vectors at an end, and prefetches.
const slack = 256

// buffer is memory that values share. Its life is the steps from first to last, both included.
type buffer struct {
	size        int // bytes; a multiple of align
	first, last int
	geometry    string // of values that keep zeros: only values of the same may share their memory; "" for the others
	within      int    // the buffer whose memory this one uses; its own number where it has its own
	offset      int
}

// arena places the buffers of a program in one block of memory.
type arena struct {
	buffers []buffer
	size    int // bytes of the block
}

// keepsZeros reports whether the kernels rely on zeros in v's memory that they do not write: a halo, or channels after the last.
func keepsZeros(v *graph.Value) bool {
	l := v.Layout
	return l.Channels && l.Within == nil && (l.Top+l.Left+l.Bottom+l.Right > 0 || l.Stride != v.Shape[1] && v.DType != tensor.Uint8)
}

// join lets buffer j, which is first used at step k, continue buffer i, if i is not needed after k and they are alike.
func (a *arena) join(i, j, k int) bool {
	x, y := &a.buffers[i], &a.buffers[j]
	if i == j || x.last != k || y.first != k || x.size != y.size || x.geometry != y.geometry {
		return false
	}
	x.last, y.within = y.last, i
	return true
}

// whole is the buffer that buffer i continues, or i itself.
func (a *arena) whole(i int) int {
	for a.buffers[i].within != i {
		i = a.buffers[i].within
	}
	return i
}

// place gives every buffer an offset, the largest first, each at the lowest one where no buffer alive at the same time lies: the greedy-by-size
// rule of Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020).
func (a *arena) place() {
	a.mergeHalos()
	var order []int
	for i := range a.buffers {
		if a.buffers[i].within == i {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a.buffers[j].size, a.buffers[i].size) })
	var placed []int // by offset
	for _, i := range order {
		b := &a.buffers[i]
		at := 0
		for _, j := range placed {
			o := &a.buffers[j]
			if o.last < b.first || b.last < o.first {
				continue
			}
			if at+b.size <= o.offset {
				break
			}
			at = max(at, o.offset+o.size)
		}
		b.offset = at
		a.size = max(a.size, at+b.size)
		k, _ := slices.BinarySearchFunc(placed, at, func(j, at int) int { return cmp.Compare(a.buffers[j].offset, at) })
		placed = slices.Insert(placed, k, i)
	}
}

// mergeHalos lets values of one geometry whose lives do not meet use one buffer, and makes such a buffer live from the first step to the last, so that
// nothing else ever writes over its zeros. Buffers come in the order of their first step.
func (a *arena) mergeHalos() {
	rooms := map[string][]int{}
	until := map[int]int{}
	end := 0
	for i := range a.buffers {
		b := &a.buffers[i]
		end = max(end, b.last)
		if b.geometry == "" || b.within != i {
			continue
		}
		same := rooms[b.geometry]
		free := slices.IndexFunc(same, func(r int) bool { return until[r] < b.first })
		if free >= 0 {
			b.within = same[free]
		} else {
			rooms[b.geometry] = append(same, i)
		}
		until[b.within] = b.last
	}
	for i := range a.buffers {
		if b := &a.buffers[i]; b.geometry != "" {
			b.first, b.last = 0, end
		}
	}
}

// at is the offset of a placed buffer.
func (a *arena) at(i int) int { return a.buffers[a.whole(i)].offset }
