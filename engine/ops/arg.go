package ops

import (
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
		width := min(p.inner, ownColumns)
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
