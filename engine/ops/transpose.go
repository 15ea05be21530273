package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// transpose reorders dimensions: perm lists, for each of the output's, which of the input's it is. Without perm they are reversed.
func transpose() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			in := n.Inputs[0]
			if in.Shape == nil {
				yields(n, 0, in.DType, nil)
				return nil
			}
			perm, err := permutation(n, len(in.Shape))
			if err != nil {
				return err
			}
			out := make(tensor.Shape, len(perm))
			for i, p := range perm {
				out[i] = in.Shape[p]
			}
			yields(n, 0, in.DType, out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			in, out := n.Inputs[0].Shape, n.Outputs[0].Shape
			perm, err := permutation(n, len(in))
			if err != nil {
				return Kernel{}, err
			}
			p := piece{to: move.View{Stride: out.Strides()}, shape: out}
			for _, axis := range perm {
				p.from.Stride = append(p.from.Stride, in.Strides()[axis])
			}
			return copying(t, []piece{p}), nil
		}),
	}
}

func permutation(n *graph.Node, rank int) ([]int, error) {
	perm := n.Ints("perm")
	if perm == nil {
		for i := range rank {
			perm = append(perm, rank-1-i)
		}
	}
	axes, err := axesOf(perm, rank)
	if err != nil || len(perm) != rank {
		return nil, fmt.Errorf("perm %v is no permutation of %d axes", perm, rank)
	}
	return axes, nil
}

// depthToSpace moves channels into blocks of pixels; spaceToDepth moves them back.
func depthToSpace() Op { return blocks(1) }

func spaceToDepth() Op { return blocks(-1) }

// blocks is DepthToSpace (toSpace 1) or SpaceToDepth (-1) of N×C×H×W.
func blocks(toSpace int) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			in, b := n.Inputs[0], n.Int("blocksize", 0)
			if b < 1 {
				return fmt.Errorf("blocksize %d", b)
			}
			if in.Shape == nil {
				yields(n, 0, in.DType, unknowns(4))
				return nil
			}
			if len(in.Shape) != 4 {
				return fmt.Errorf("input %s has not 4 dimensions", in.Shape)
			}
			out := in.Shape.Clone()
			for i, times := range []int{1: -2, 2: 1, 3: 1} {
				if out[i] == tensor.Unknown {
					continue
				}
				factor := 1
				for range max(times, -times) {
					factor *= b
				}
				if times*toSpace > 0 {
					out[i] *= factor
					continue
				}
				if times*toSpace < 0 && out[i]%factor != 0 {
					return fmt.Errorf("dimension %d of input %s is no multiple of %d", i, in.Shape, factor)
				}
				if times*toSpace < 0 {
					out[i] /= factor
				}
			}
			yields(n, 0, in.DType, out)
			return nil
		},
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			b := n.Int("blocksize", 0)
			deep, wide := n.Inputs[0].Shape, n.Outputs[0].Shape
			if toSpace < 0 {
				deep, wide = wide, deep
			}
			columnFirst := n.Str("mode", "DCR") == "CRD"
			// The axes of a walk: batch, small channel, row, row in block, column, column in block.
			shape := []int{wide[0], wide[1], deep[2], b, deep[3], b}
			ws, ds := wide.Strides(), deep.Strides()
			small, inRow, inColumn := 1, b*wide[1], wide[1]
			if columnFirst {
				small, inRow, inColumn = b*b, b, 1
			}
			pixels := move.View{Stride: []int{ws[0], ws[1], ws[2] * b, ws[2], ws[3] * b, ws[3]}}
			channels := move.View{Stride: []int{ds[0], ds[1] * small, ds[2], ds[1] * inRow, ds[3], ds[1] * inColumn}}
			p := piece{shape: shape, to: pixels, from: channels}
			if toSpace < 0 {
				p.to, p.from = channels, pixels
			}
			return copying(t, []piece{p}), nil
		},
	}
}

// expand repeats a tensor to the broadcast of its shape and that listed by the second input.
func expand() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			if !n.Inputs[1].Known() {
				var out tensor.Shape
				if s := n.Inputs[1].Shape; in.Shape != nil && len(s) == 1 && s[0] != tensor.Unknown {
					out = unknowns(max(s[0], len(in.Shape)))
				}
				yields(n, 0, in.DType, out)
				return nil
			}
			want, err := known(n, 1)
			if err != nil {
				return err
			}
			if i := negative(want); i >= 0 {
				return fmt.Errorf("shape %v has a negative dimension", want)
			}
			out, err := broadcastShapes(in.Shape, append(tensor.Shape{}, want...))
			if err != nil {
				return err
			}
			yields(n, 0, in.DType, out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			in, out := n.Inputs[0].Shape, n.Outputs[0].Shape
			p := piece{to: move.View{Stride: out.Strides()}, shape: out}
			p.from.Stride = make([]int, len(out))
			for i, d := range in {
				if d != 1 {
					p.from.Stride[len(out)-len(in)+i] = in.Strides()[i]
				}
			}
			return copying(t, []piece{p}), nil
		}),
	}
}

// negative is the place of the first negative number, or -1.
func negative(list []int) int {
	for i, v := range list {
		if v < 0 {
			return i
		}
	}
	return -1
}

// tile repeats a tensor along each dimension as often as the second input says.
func tile() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			if in.Shape == nil {
				yields(n, 0, in.DType, nil)
				return nil
			}
			out := unknowns(len(in.Shape))
			if n.Inputs[1].Known() {
				times, err := known(n, 1)
				if err != nil {
					return err
				}
				if len(times) != len(out) || negative(times) >= 0 {
					return fmt.Errorf("repeats %v for input %s", times, in.Shape)
				}
				for i, d := range in.Shape {
					if d != tensor.Unknown {
						out[i] = d * times[i]
					}
				}
			}
			yields(n, 0, in.DType, out)
			return nil
		},
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			in, out := n.Inputs[0].Shape, n.Outputs[0].Shape
			var p piece
			for i, d := range in {
				if out[i] == 0 {
					return copying(t, nil), nil
				}
				p.shape = append(p.shape, out[i]/d, d)
				p.to.Stride = append(p.to.Stride, out.Strides()[i]*d, out.Strides()[i])
				p.from.Stride = append(p.from.Stride, 0, in.Strides()[i])
			}
			return copying(t, []piece{p}), nil
		}),
	}
}
