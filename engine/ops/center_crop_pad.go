package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// centerCropPad cuts or fills up the axes that the attribute axes lists, or all, to the sizes that the second input lists, evenly at both ends; an odd
// element is taken or put at the end.
func centerCropPad() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			switch {
			case in.Shape == nil:
				yields(n, 0, in.DType, nil)
				return nil
			case !in.Static() || !n.Inputs[1].Known():
				yields(n, 0, in.DType, unknowns(len(in.Shape)))
				return nil
			}
			m, err := centred(n, knownContent(n))
			if err != nil {
				return err
			}
			yields(n, 0, in.DType, m.out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			plan := func(content func(int) *tensor.Tensor) (*margins, error) { return centred(n, content) }
			return settled(n, "copy", []int{1}, plan, func(c *Call, m *margins) func() error { return padConstant(c, t, m) })
		}),
	}
}

// centred is how much the node adds at each end of each axis.
func centred(n *graph.Node, content func(int) *tensor.Tensor) (*margins, error) {
	in := n.Inputs[0].Shape
	sizes, err := integersOf(content(1))
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	axes := n.Ints("axes")
	if axes == nil {
		for i := range in {
			axes = append(axes, i)
		}
	}
	if axes, err = axesOf(axes, len(in)); err != nil {
		return nil, err
	}
	if len(sizes) != len(axes) || negative(sizes) >= 0 {
		return nil, fmt.Errorf("shape %v for %d axes of input %s", sizes, len(axes), in)
	}
	m := &margins{in: in, out: in.Clone(), begin: make([]int, len(in)), end: make([]int, len(in)), mode: "constant"}
	for i, a := range axes {
		more := sizes[i] - in[a]
		m.begin[a] = more / 2
		m.end[a] = more - m.begin[a]
		m.out[a] = sizes[i]
	}
	return m, nil
}
