package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// causalConvWithState convolves each channel of batch×channels×positions with a kernel of its own that ends at the position it is for. The positions
// before the first are those of past_state, or zeros; present_state is the last of all that were seen, one less than the kernel has. Inputs: input,
// weight (channels×1×kernel), bias, past_state. The attribute activation may be silu, or swish, which is the same.
func causalConvWithState() Op {
	return Op{
		Infer: inferCausalConv,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = DepthwiseConv
			x, k := n.Inputs[0].Shape, n.Inputs[1].Shape[2]
			c.M, c.N, c.K, c.Groups, c.Steps, c.Window, c.Stride = x[0]*x[2], 1, k, x[1], 1, [2]int{1, k}, 1
			c.FLOPs = 2 * float64(k) * float64(x.Elements())
			return c
		},
		Prepare: byFloat(prepareCausalConv[float32], prepareCausalConv[float64]),
	}
}

func inferCausalConv(n *graph.Node) error {
	if err := arity(n, 2, 4); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1, 2, 3); err != nil {
		return err
	}
	switch a := n.Str("activation", "none"); a {
	case "none", "", "silu", "swish":
	default:
		return fmt.Errorf("unknown activation %q", a)
	}
	x, w := n.Inputs[0], n.Inputs[1]
	yields(n, 0, x.DType, x.Shape)
	if x.Shape == nil || w.Shape == nil {
		yields(n, 1, x.DType, nil)
		return nil
	}
	if len(x.Shape) != 3 || len(w.Shape) != 3 || w.Static() && (w.Shape[1] != 1 || w.Shape[2] < 1) {
		return fmt.Errorf("input %s and weight %s; batch×channels×positions and channels×1×kernel are wanted", x.Shape, w.Shape)
	}
	if x.Static() && w.Static() && x.Shape[1] != w.Shape[0] {
		return fmt.Errorf("weight %s for %d channels", w.Shape, x.Shape[1])
	}
	state := tensor.Shape{x.Shape[0], x.Shape[1], tensor.Unknown}
	if w.Shape[2] != tensor.Unknown {
		state[2] = w.Shape[2] - 1
	}
	yields(n, 1, x.DType, state)
	if b := n.In(2); b != nil && b.Static() && x.Static() && !b.Shape.Equal(tensor.Shape{x.Shape[1]}) {
		return fmt.Errorf("bias %s for %d channels", b.Shape, x.Shape[1])
	}
	if p := n.In(3); p != nil && p.Static() && state.Static() && !p.Shape.Equal(state) {
		return fmt.Errorf("past_state %s where %s is wanted", p.Shape, state)
	}
	return nil
}

func prepareCausalConv[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x, kernel := n.Inputs[0].Shape, n.Inputs[1].Shape[2]
	channels, length, before := x[1], x[2], kernel-1
	activation := n.Str("activation", "none")
	rows := x[0] * channels
	return Kernel{Class: "plain conv", Scratch: 8 * rows * (before + length), Bind: func(c *Call) func() error {
		memory := tensor.Tensor{Bytes: c.Scratch}
		all := elements[T](&memory)
		optional := func(i int) []T {
			if i >= len(c.In) || c.In[i] == nil {
				return nil
			}
			return elements[T](&c.In[i].Tensor)
		}
		row := func(_, i int) {
			line := all[i*(before+length):][:before+length]
			clear(line[:before])
			if past := optional(3); past != nil {
				copy(line, past[i*before:][:before])
			}
			copy(line[before:], elements[T](&c.In[0].Tensor)[i*length:][:length])
			weights, out := elements[T](&c.In[1].Tensor)[i%channels*kernel:][:kernel], elements[T](&c.Out[0].Tensor)[i*length:]
			for pos := range length {
				sum := 0.0
				if bias := optional(2); bias != nil {
					sum = float64(bias[i%channels])
				}
				for j, w := range weights {
					sum += float64(w) * float64(line[pos+j])
				}
				if activation == "silu" || activation == "swish" {
					sum *= sigmoid(sum)
				}
				out[pos] = T(sum)
			}
			if len(c.Out) > 1 && c.Out[1] != nil {
				copy(elements[T](&c.Out[1].Tensor)[i*before:][:before], line[length:])
			}
		}
		return func() error {
			inParts(c.Team, rows, row)
			return nil
		}
	}}, nil
}
