package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// slice cuts out, along each of some axes, the elements from starts to ends by steps, which may be negative. Inputs: data, starts, ends, axes, steps.
func slice() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 5); err != nil {
				return err
			}
			in := n.Inputs[0]
			for i := 1; i < 5; i++ {
				if err := takes(n, i, indices); err != nil {
					return err
				}
			}
			if in.Shape == nil {
				yields(n, 0, in.DType, nil)
				return nil
			}
			for i := 1; i < 5; i++ {
				if n.In(i) != nil && !n.In(i).Known() {
					return inferUnknownSlice(n)
				}
			}
			cut, err := newCut(in.Shape, func(i int) *tensor.Tensor {
				if n.In(i) == nil {
					return nil
				}
				return n.In(i).Const
			})
			if err != nil {
				return err
			}
			yields(n, 0, in.DType, cut.shape)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			in := n.Inputs[0].Shape
			plan := func(content func(int) *tensor.Tensor) (cut, error) { return newCut(in, content) }
			return settled(n, "copy", []int{1, 2, 3, 4}, plan, func(c *Call, p cut) func() error {
				to := move.View{Stride: p.shape.Strides()}
				work := copyPieces(c, t, []piece{{to: to, from: p.from, shape: p.shape}})
				return func() error {
					place(c.Out[0], c.In[0].DType, p.shape)
					return work()
				}
			})
		}),
	}
}

// inferUnknownSlice leaves open the dimensions that a slice by unknown numbers cuts.
func inferUnknownSlice(n *graph.Node) error {
	in := n.Inputs[0]
	out := in.Shape.Clone()
	axes, err := known(n, 3)
	if err != nil {
		return err
	}
	switch {
	case axes != nil:
		if axes, err = axesOf(axes, len(out)); err != nil {
			return err
		}
		for _, a := range axes {
			out[a] = tensor.Unknown
		}
	case n.In(3) == nil && len(n.Inputs[1].Shape) == 1 && n.Inputs[1].Shape[0] >= 0:
		for i := range min(n.Inputs[1].Shape[0], len(out)) {
			out[i] = tensor.Unknown
		}
	default:
		out = unknowns(len(out))
	}
	yields(n, 0, in.DType, out)
	return nil
}

// cut is a slice of a dense tensor: where its elements are, and its shape.
type cut struct {
	from  move.View
	shape tensor.Shape
}

// newCut plans a slice. Dimensions of in may be Unknown; then so are those of the slice, and its view is of no use.
func newCut(in tensor.Shape, content func(int) *tensor.Tensor) (cut, error) {
	var lists [5][]int
	for i := 1; i < 5; i++ {
		if t := content(i); t != nil {
			var err error
			if lists[i], err = integersOf(t); err != nil {
				return cut{}, err
			}
		}
	}
	starts, ends, axes, steps := lists[1], lists[2], lists[3], lists[4]
	if content(3) == nil {
		axes = make([]int, len(starts))
		for i := range axes {
			axes[i] = i
		}
	}
	if content(4) == nil {
		steps = make([]int, len(starts))
		for i := range steps {
			steps[i] = 1
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return cut{}, fmt.Errorf("starts %v, ends %v, axes %v and steps %v differ in length", starts, ends, axes, steps)
	}
	axes, err := axesOf(axes, len(in))
	if err != nil {
		return cut{}, err
	}
	c := cut{from: move.View{Stride: in.Strides()}, shape: in.Clone()}
	for i, a := range axes {
		d, step := in[a], steps[i]
		if step == 0 {
			return cut{}, fmt.Errorf("step 0 along axis %d", a)
		}
		if d == tensor.Unknown {
			continue
		}
		from, count := sliceRange(d, starts[i], ends[i], step)
		c.shape[a] = count
		c.from.Origin += from * c.from.Stride[a]
		c.from.Stride[a] *= step
	}
	return c, nil
}

// sliceRange is the first place and the number of elements of a slice of a dimension: negative bounds count from its end, and all are clamped.
func sliceRange(d, start, end, step int) (from, count int) {
	step = min(max(step, -d-1), d+1) // a longer one leaves the same single element, and sums with it do not overflow
	if start < 0 {
		start += d
	}
	if end < 0 && end >= -d {
		end += d
	} else if end < 0 {
		end = -1
	}
	if step > 0 {
		start, end = min(max(start, 0), d), min(max(end, 0), d)
		return start, max(ceilDiv(end-start, step), 0)
	}
	start, end = min(max(start, 0), d-1), min(max(end, -1), d-1)
	return max(start, 0), max(ceilDiv(start-end, -step), 0)
}
