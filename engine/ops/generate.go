package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// constantOfShape fills the shape that its input lists with the one element of the attribute value; without it, with float32 zero.
func constantOfShape() Op {
	value := func(n *graph.Node) tensor.Tensor {
		if a, ok := n.Attributes["value"]; ok {
			return tensor.Aligned(a.Tensor)
		}
		return tensor.Scalar(tensor.Float32, float32(0))
	}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, indices); err != nil {
				return err
			}
			if v := value(n); v.Len() != 1 || !anything.has(v.DType) {
				return fmt.Errorf("value is %s; one element is wanted", v)
			}
			var out tensor.Shape
			if in := n.Inputs[0]; in.Known() {
				want, err := known(n, 0)
				if err != nil {
					return err
				}
				if negative(want) >= 0 {
					return fmt.Errorf("shape %v has a negative dimension", want)
				}
				out = append(tensor.Shape{}, want...)
			} else if len(in.Shape) == 1 && in.Shape[0] != tensor.Unknown {
				out = unknowns(in.Shape[0])
			}
			yields(n, 0, value(n).DType, out)
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			v := value(n)
			return Kernel{Class: "copy", Bind: func(c *Call) func() error {
				return func() error { fillWith(&c.Out[0].Tensor, &v); return nil }
			}}, nil
		},
	}
}

// rangeOf lists start, start+delta, … below (or above) limit: its three scalar inputs.
func rangeOf() Op {
	allowed := floats | indices | 1<<tensor.Int16
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 3); err != nil {
				return err
			}
			if err := sameTypes(n, allowed, 0, 1, 2); err != nil {
				return err
			}
			for i, v := range n.Inputs {
				if v.Static() && v.Shape.Elements() != 1 {
					return fmt.Errorf("input %d is %s; a scalar is wanted", i, v.Shape)
				}
			}
			out := tensor.Shape{tensor.Unknown}
			if n.Inputs[0].Known() && n.Inputs[1].Known() && n.Inputs[2].Known() {
				from, to, by := realAt(n.Inputs[0].Const, 0), realAt(n.Inputs[1].Const, 0), realAt(n.Inputs[2].Const, 0)
				if by == 0 {
					return fmt.Errorf("delta is 0")
				}
				out[0] = int(max(math.Ceil((to-from)/by), 0))
			}
			yields(n, 0, n.Inputs[0].DType, out)
			return nil
		},
		Prepare: halved(func(n *graph.Node, _ *Target) (Kernel, error) {
			switch n.Inputs[0].DType {
			case tensor.Float32:
				return Kernel{Class: "range", Bind: bindRange[float32]}, nil
			case tensor.Float64:
				return Kernel{Class: "range", Bind: bindRange[float64]}, nil
			case tensor.Int16:
				return Kernel{Class: "range", Bind: bindRange[int16]}, nil
			case tensor.Int32:
				return Kernel{Class: "range", Bind: bindRange[int32]}, nil
			}
			return Kernel{Class: "range", Bind: bindRange[int64]}, nil
		}),
	}
}

func bindRange[T number](c *Call) func() error {
	return func() error {
		from, by := elements[T](&c.In[0].Tensor)[0], elements[T](&c.In[2].Tensor)[0]
		out := elements[T](&c.Out[0].Tensor)
		for i := range out {
			out[i] = from + T(i)*by
		}
		return nil
	}
}
