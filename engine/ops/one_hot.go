package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// oneHot puts the "on" value at the place of each index along a new axis of depth elements, and the "off" value elsewhere. Inputs: indices of any
// numeric type, depth, and the two values, off first.
func oneHot() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 3); err != nil {
				return err
			}
			if err := takes(n, 0, numbers); err != nil {
				return err
			}
			if err := takes(n, 1, numbers); err != nil {
				return err
			}
			if err := takes(n, 2, anything&^packed); err != nil {
				return err
			}
			for i, want := range []int{1: 1, 2: 2} {
				if v := n.Inputs[i]; i > 0 && v.Static() && v.Shape.Elements() != want {
					return fmt.Errorf("input %d is %s; elements wanted: %d", i, v.Shape, want)
				}
			}
			index := n.Inputs[0]
			if index.Shape == nil {
				yields(n, 0, n.Inputs[2].DType, nil)
				return nil
			}
			axis, err := axisOf(n.Int("axis", -1), len(index.Shape)+1)
			if err != nil {
				return err
			}
			depth := tensor.Unknown
			if n.Inputs[1].Known() {
				if n.Inputs[1].Const.Len() != 1 {
					return fmt.Errorf("depth has shape %s; one element is wanted", n.Inputs[1].Shape)
				}
				if depth = int(realAt(n.Inputs[1].Const, 0)); depth < 0 {
					return fmt.Errorf("depth is %d", depth)
				}
			}
			yields(n, 0, n.Inputs[2].DType, stacked(index.Shape, axis, depth))
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			shape := n.Inputs[0].Shape
			axis, err := axisOf(n.Int("axis", -1), len(shape)+1)
			if err != nil {
				return Kernel{}, err
			}
			bind := bySize(n.Inputs[2].DType, bindOneHot[uint8], bindOneHot[uint16], bindOneHot[uint32], bindOneHot[uint64], bindOneHot[complex128], bindOneHot[string])
			return Kernel{Class: "copy", Bind: bind(shape, axis)}, nil
		},
	}
}

func bindOneHot[T word](shape tensor.Shape, axis int) binder {
	inner := span(shape, axis, len(shape))
	return func(c *Call) func() error {
		return func() error {
			depth := int(realAt(&c.In[1].Tensor, 0))
			if depth < 0 {
				return fmt.Errorf("depth is %d", depth)
			}
			if out := c.Out[0]; out.Shape == nil || len(out.Shape) <= axis || out.Shape[axis] != depth {
				place(out, c.In[2].DType, stacked(shape, axis, depth))
			}
			values, out := elements[T](&c.In[2].Tensor), elements[T](&c.Out[0].Tensor)
			fill(out, values[0])
			for o, i := 0, 0; i < c.In[0].Len(); o++ {
				for k := range inner {
					v := int(realAt(&c.In[0].Tensor, i))
					if v < 0 {
						v += depth
					}
					if v >= 0 && v < depth {
						out[(o*depth+v)*inner+k] = values[1]
					}
					i++
				}
			}
			return nil
		}
	}
}
