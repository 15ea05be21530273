package ops

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// fibres is a dense tensor seen as outer × d × inner elements, d along one axis.
type fibres struct{ outer, d, inner int }

func newFibres(s tensor.Shape, axis int) (*fibres, error) {
	axis, err := axisOf(axis, len(s))
	if err != nil {
		return nil, err
	}
	return &fibres{outer: span(s, 0, axis), d: s[axis], inner: span(s, axis+1, len(s))}, nil
}

// arg is ArgMax or ArgMin: where along an axis the largest or smallest element is; of equal ones the first, or with select_last_index the last.
func arg() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, numbers); err != nil {
				return err
			}
			in := n.Inputs[0].Shape
			if in == nil {
				yields(n, 0, tensor.Int64, nil)
				return nil
			}
			axis, err := axisOf(n.Int("axis", 0), len(in))
			if err != nil {
				return err
			}
			if in[axis] == 0 {
				return fmt.Errorf("axis %d of input %s has no element", axis, in)
			}
			out := in.Clone()
			out[axis] = 1
			if n.Int("keepdims", 1) == 0 {
				out = slices.Delete(out, axis, axis+1)
			}
			yields(n, 0, tensor.Int64, out)
			return nil
		},
		Cost: costReduction,
		Prepare: halved(func(n *graph.Node, t *Target) (Kernel, error) {
			p, err := newFibres(n.Inputs[0].Shape, n.Int("axis", 0))
			return Kernel{Class: "reduction", Bind: laneOf(n.Inputs[0].DType).extreme(n, p, t)}, err
		}),
	}
}

// costReduction counts one operation for each element of the input.
func costReduction(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Reduction
	c.FLOPs = c.Reads + c.Weights
	return c
}

func (lanes[T]) extreme(n *graph.Node, p *fibres, t *Target) binder {
	most, last := n.Op == "ArgMax", n.Int("select_last_index", 0) != 0
	a := &argument[T]{fibres: p, most: most, last: last}
	if is[T, float32]() && !last && p.d >= shortRow {
		a.whole = vector.For(t.Features).Reduce[vector.Minimum]
		if most {
			a.whole = vector.For(t.Features).Reduce[vector.Maximum]
		}
	}
	return func(c *Call) func() error {
		if p.outer*p.inner == 0 {
			return func() error { return nil }
		}
		if p.inner == 1 {
			work := inPieces(c.Team, p.outer, p.d, func(from, to int) { a.rows(c, from, to) })
			return func() error { work.run(c.Team); return nil }
		}
		width := max(min(p.inner, ownColumns), 1)
		perMatrix := ceilDiv(p.inner, width)
		best := make([]T, width*max(c.Team.Size(), 1))
		part := func(worker, i int) {
			first := i % perMatrix * width
			a.columns(c, best[worker*width:][:min(width, p.inner-first)], i/perMatrix, first)
		}
		return func() error {
			inParts(c.Team, p.outer*perMatrix, part)
			return nil
		}
	}
}

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

// cumulative is CumSum or CumProd: each element becomes the sum or product of those up to it along the axis that the second input names.
func cumulative(allowed types) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 0, allowed); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return nil
		},
		Cost: costReduction,
		Prepare: halved(func(n *graph.Node, _ *Target) (Kernel, error) {
			return settled(n, "reduction", []int{1}, func(content func(int) *tensor.Tensor) (*fibres, error) {
				axis, err := integersOf(content(1))
				if err != nil || len(axis) != 1 {
					return nil, fmt.Errorf("axis is %s; one integer is wanted", content(1))
				}
				return newFibres(n.Inputs[0].Shape, axis[0])
			}, laneOf(n.Inputs[0].DType).cumulate(n))
		}),
	}
}

func (lanes[T]) cumulate(n *graph.Node) func(c *Call, p *fibres) func() error {
	exclusive, reverse, product := n.Int("exclusive", 0) != 0, n.Int("reverse", 0) != 0, n.Op == "CumProd"
	return func(c *Call, p *fibres) func() error {
		return func() error {
			x, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for o := range p.outer {
				for i := range p.inner {
					sum := T(0)
					if product {
						sum = 1
					}
					for k := range p.d {
						if reverse {
							k = p.d - 1 - k
						}
						at := (o*p.d+k)*p.inner + i
						v := x[at]
						if exclusive {
							out[at] = sum
						}
						if product {
							sum *= v
						} else {
							sum += v
						}
						if !exclusive {
							out[at] = sum
						}
					}
				}
			}
			return nil
		}
	}
}
