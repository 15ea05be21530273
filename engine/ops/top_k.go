package ops

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// topK lists the k largest or smallest elements along an axis and where they are; of equal ones the first come first. k is the second input.
func topK() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 0, numbers); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			var out tensor.Shape
			if in.Shape != nil {
				axis, err := axisOf(n.Int("axis", -1), len(in.Shape))
				if err != nil {
					return err
				}
				out = in.Shape.Clone()
				out[axis] = tensor.Unknown
				k, err := known(n, 1)
				if err != nil {
					return err
				}
				if k != nil {
					if err := checkK(k, in.Shape[axis]); err != nil {
						return err
					}
					out[axis] = k[0]
				}
			}
			yields(n, 0, in.DType, out)
			yields(n, 1, tensor.Int64, out)
			return nil
		},
		Cost: costReduction,
		Prepare: halved(func(n *graph.Node, _ *Target) (Kernel, error) {
			axis, err := axisOf(n.Int("axis", -1), len(n.Inputs[0].Shape))
			return Kernel{Class: "sort", Bind: laneOf(n.Inputs[0].DType).top(n, axis)}, err
		}),
	}
}

func checkK(k []int, d int) error {
	if len(k) != 1 {
		return fmt.Errorf("k has %d elements; one is wanted", len(k))
	}
	if k[0] < 0 || d != tensor.Unknown && k[0] > d {
		return fmt.Errorf("k is %d for an axis of %d", k[0], d)
	}
	return nil
}

func (lanes[T]) top(n *graph.Node, axis int) binder {
	if unsafe.Sizeof(*new(T)) <= 4 && n.Inputs[0].Shape[axis] < 1<<placeBits {
		return topByRank[T](n, axis)
	}
	largest := n.Int("largest", 1) != 0
	shape, d := n.Inputs[0].Shape, n.Inputs[0].DType
	p := fibres{outer: span(shape, 0, axis), d: shape[axis], inner: span(shape, axis+1, len(shape))}
	return func(c *Call) func() error {
		order := make([]int, p.d)
		var x []T
		var base int
		compare := func(a, b int) int {
			by := cmp.Compare(x[base+a*p.inner], x[base+b*p.inner])
			if largest {
				by = -by
			}
			return cmp.Or(by, cmp.Compare(a, b))
		}
		return func() error {
			list := indexesOf(&c.In[1].Tensor)
			k, err := list.within(0, p.d+1)
			if err != nil {
				return fmt.Errorf("k: %w", err)
			}
			if c.Out[0] == nil || c.Out[0].Shape == nil || c.Out[0].Shape[axis] != k {
				placeTop(c, d, shape, axis, k)
			}
			x = elements[T](&c.In[0].Tensor)
			for o := range p.outer {
				for i := range p.inner {
					base = o*p.d*p.inner + i
					for j := range order {
						order[j] = j
					}
					firstSorted(order, k, compare)
					for j, from := range order[:k] {
						to := (o*k+j)*p.inner + i
						if c.Out[0] != nil {
							elements[T](&c.Out[0].Tensor)[to] = x[base+from*p.inner]
						}
						if len(c.Out) > 1 && c.Out[1] != nil {
							elements[int64](&c.Out[1].Tensor)[to] = int64(from)
						}
					}
				}
			}
			return nil
		}
	}
}

// firstSorted puts the first k of a list by an order, sorted, at its beginning: they are kept in a heap whose root is the last of them.
func firstSorted(list []int, k int, compare func(a, b int) int) {
	heap := list[:k]
	sink := func(at int) {
		for {
			last := at
			for child := 2*at + 1; child <= 2*at+2 && child < k; child++ {
				if compare(heap[child], heap[last]) > 0 {
					last = child
				}
			}
			if last == at {
				return
			}
			heap[at], heap[last] = heap[last], heap[at]
			at = last
		}
	}
	if k > 0 && k < len(list) {
		for at := k/2 - 1; at >= 0; at-- {
			sink(at)
		}
		for i, v := range list[k:] {
			if compare(v, heap[0]) < 0 {
				list[k+i], heap[0] = heap[0], v
				sink(0)
			}
		}
	}
	slices.SortFunc(heap, compare)
}

// fibresAtOnce is how many neighbouring fibres are ranked together, since they share cache lines.
const fibresAtOnce = 16

// topByRank is top for elements of at most 32 bits: each becomes a number, in whose order it is wanted, with its place in the lower bits.
func topByRank[T number](n *graph.Node, axis int) binder {
	largest := n.Int("largest", 1) != 0
	shape, d := n.Inputs[0].Shape, n.Inputs[0].DType
	p := fibres{outer: span(shape, 0, axis), d: shape[axis], inner: span(shape, axis+1, len(shape))}
	tiles := ceilDiv(p.inner, fibresAtOnce)
	return func(c *Call) func() error {
		k, ranks := 0, make([][]uint64, max(c.Team.Size(), 1))
		for i := range ranks {
			ranks[i] = make([]uint64, min(fibresAtOnce, p.inner)*p.d)
		}
		part := func(worker, i int) {
			o, first := i/tiles, i%tiles*fibresAtOnce
			x, list := elements[T](&c.In[0].Tensor)[o*p.d*p.inner:][:p.d*p.inner], ranks[worker]
			count := min(p.inner-first, fibresAtOnce)
			if p.inner == 1 {
				rank(list, 1, x, 0, 1, largest)
			} else {
				for at := range p.d {
					rank(list[at:], p.d, x[at*p.inner+first:][:count], at, 0, largest)
				}
			}
			for f := range count {
				best := highest(list[f*p.d:][:p.d], k)
				for j := range k {
					from, to := rankedAt(best[k-1-j]), (o*k+j)*p.inner+first+f
					if c.Out[0] != nil {
						elements[T](&c.Out[0].Tensor)[to] = x[from*p.inner+first+f]
					}
					if len(c.Out) > 1 && c.Out[1] != nil {
						elements[int64](&c.Out[1].Tensor)[to] = int64(from)
					}
				}
			}
		}
		return func() error {
			list := indexesOf(&c.In[1].Tensor)
			var err error
			if k, err = list.within(0, p.d+1); err != nil {
				return fmt.Errorf("k: %w", err)
			}
			if c.Out[0] == nil || c.Out[0].Shape == nil || c.Out[0].Shape[axis] != k {
				placeTop(c, d, shape, axis, k)
			}
			if k > 0 {
				inParts(teamFor(c.Team, p.outer*p.d*p.inner), p.outer*tiles, part)
			}
			return nil
		}
	}
}

// placeBits is how many bits of a rank say where its element is, counted from the end, so that of equal elements the first ranks highest.
const placeBits = 31

// rankedAt is the place of the element that has a rank.
func rankedAt(r uint64) int { return int(^r & (1<<placeBits - 1)) }

// rank writes the ranks of elements to places in dst that are step apart; in their fibres they are ahead apart, the first of them at. NaN is less than any
// number.
func rank[T number](dst []uint64, step int, x []T, at, ahead int, largest bool) {
	const places = 1<<placeBits - 1
	var flip uint64
	if !largest {
		flip = 1<<33 - 1
	}
	if !is[T, float32]() {
		for i, v := range x {
			dst[i*step] = (uint64(int64(v)+1<<31)^flip)<<placeBits | uint64(places-at-i*ahead)
		}
		return
	}
	for i, v := range x {
		b := math.Float32bits(float32(v) + 0) // -0 is 0
		r := uint64(b ^ (uint32(int32(b)>>31) | 1<<31))
		if v != v {
			r = 0
		}
		dst[i*step] = (r^flip)<<placeBits | uint64(places-at-i*ahead)
	}
}

// highest sorts the k highest ranks, of at least one, to the beginning of a list, the lowest of them first: they are kept in a heap with that as its root.
func highest(list []uint64, k int) []uint64 {
	heap := list[:k]
	for at := k/2 - 1; at >= 0; at-- {
		sink(heap, at)
	}
	for _, r := range list[k:] {
		if r > heap[0] {
			heap[0] = r
			sink(heap, 0)
		}
	}
	slices.Sort(heap)
	return heap
}

// sink moves an element of a heap down to where none below is less.
func sink(heap []uint64, at int) {
	moved := heap[at]
	for child := 2*at + 1; child < len(heap); child = 2*at + 1 {
		if child+1 < len(heap) && heap[child+1] < heap[child] {
			child++
		}
		if heap[child] >= moved {
			break
		}
		heap[at], at = heap[child], child
	}
	heap[at] = moved
}

// placeTop gives the outputs of a TopK memory for k elements along the axis.
func placeTop(c *Call, d tensor.DType, shape tensor.Shape, axis, k int) {
	out := shape.Clone()
	out[axis] = k
	for i, d := range []tensor.DType{d, tensor.Int64} {
		if i < len(c.Out) && c.Out[i] != nil {
			place(c.Out[i], d, out)
		}
	}
}
