package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// concat joins tensors along an axis.
func concat() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, -1); err != nil {
				return err
			}
			every, shapes := make([]int, len(n.Inputs)), make([]tensor.Shape, len(n.Inputs))
			for i, v := range n.Inputs {
				if v == nil {
					return fmt.Errorf("input %d is missing", i)
				}
				every[i], shapes[i] = i, v.Shape
			}
			if err := sameTypes(n, anything, every...); err != nil {
				return err
			}
			out, _, err := concatenated(shapes, n.Int("axis", 0))
			if err != nil {
				return err
			}
			yields(n, 0, n.Inputs[0].DType, out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			out := n.Outputs[0].Shape
			axis, err := axisOf(n.Int("axis", 0), len(out))
			if err != nil {
				return Kernel{}, err
			}
			var list []piece
			at := 0
			for i, v := range n.Inputs {
				to := move.View{Origin: at * out.Strides()[axis], Stride: out.Strides()}
				list = append(list, piece{in: i, to: to, from: move.View{Stride: v.Shape.Strides()}, shape: v.Shape})
				at += v.Shape[axis]
			}
			return copying(t, list), nil
		}),
	}
}

// concatenated is the shape of tensors joined along an axis, and the axis counted from the front; nil where no rank is known.
func concatenated(shapes []tensor.Shape, axis int) (tensor.Shape, int, error) {
	var out tensor.Shape
	for i, s := range shapes {
		if s == nil {
			continue
		}
		if out == nil {
			var err error
			if axis, err = axisOf(axis, len(s)); err != nil {
				return nil, 0, err
			}
			out = s.Clone()
			out[axis] = 0
		}
		if len(s) != len(out) {
			return nil, 0, fmt.Errorf("shapes %s do not join: their ranks differ", join(shapes[:i+1]))
		}
		for k, d := range s {
			switch {
			case k == axis && (d == tensor.Unknown || out[k] == tensor.Unknown):
				out[k] = tensor.Unknown
			case k == axis:
				out[k] += d
			case out[k] == tensor.Unknown:
				out[k] = d
			case d != tensor.Unknown && d != out[k]:
				return nil, 0, fmt.Errorf("shapes %s do not join along axis %d", join(shapes[:i+1]), axis)
			}
		}
	}
	for _, s := range shapes {
		if s == nil && out != nil {
			out[axis] = tensor.Unknown
		}
	}
	return out, axis, nil
}

// split cuts a tensor along an axis: into the sizes that the second input lists, or evenly, the last part smaller where it must be.
func split() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			if in.Shape == nil {
				for i := range n.Outputs {
					yields(n, i, in.DType, nil)
				}
				return nil
			}
			axis, err := axisOf(n.Int("axis", 0), len(in.Shape))
			if err != nil {
				return err
			}
			sizes, err := splitSizes(n, in.Shape[axis])
			if err != nil {
				return err
			}
			for i, size := range sizes {
				out := in.Shape.Clone()
				out[axis] = size
				yields(n, i, in.DType, out)
			}
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			in := n.Inputs[0].Shape
			axis, err := axisOf(n.Int("axis", 0), len(in))
			if err != nil {
				return Kernel{}, err
			}
			sizes, err := splitSizes(n, in[axis])
			if err != nil {
				return Kernel{}, err
			}
			return settled(n, "copy", []int{1}, func(content func(int) *tensor.Tensor) ([]piece, error) {
				list := content(1)
				if list == nil {
					return splitPieces(n, axis, sizes), nil
				}
				given, err := integersOf(list)
				return splitPieces(n, axis, given), err
			}, func(c *Call, list []piece) func() error { return copyPieces(c, t, list) })
		}),
	}
}

// splitPieces are the copies of a split into parts of the given sizes.
func splitPieces(n *graph.Node, axis int, sizes []int) []piece {
	strides := n.Inputs[0].Shape.Strides()
	var list []piece
	at := 0
	for i, size := range sizes {
		if wants(n, i) {
			shape := n.Inputs[0].Shape.Clone()
			shape[axis] = size
			list = append(list, piece{out: i, to: move.View{Stride: shape.Strides()}, from: move.View{Origin: at * strides[axis], Stride: strides}, shape: shape})
		}
		at += size
	}
	return list
}

// splitSizes are the extents of the parts of a dimension; Unknown where only the run tells.
func splitSizes(n *graph.Node, d int) ([]int, error) {
	count := len(n.Outputs)
	if n.In(1) != nil {
		sizes, err := known(n, 1)
		if sizes == nil || err != nil {
			return unknowns(count), err
		}
		total := 0
		for _, s := range sizes {
			total += s
		}
		if len(sizes) != count || negative(sizes) >= 0 || d != tensor.Unknown && total != d {
			return nil, fmt.Errorf("sizes %v for %d outputs from a dimension of %d", sizes, count, d)
		}
		return sizes, nil
	}
	if wanted := n.Int("num_outputs", count); wanted != count {
		return nil, fmt.Errorf("num_outputs %d for %d outputs", wanted, count)
	}
	if d == tensor.Unknown {
		return unknowns(count), nil
	}
	part := ceilDiv(d, count)
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = min(part, max(d-i*part, 0))
	}
	return sizes, nil
}
