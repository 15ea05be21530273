package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// shapeOf lists the dimensions of its input from start to end.
func shapeOf() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			out := tensor.Shape{tensor.Unknown}
			if in := n.Inputs[0].Shape; in != nil {
				from, to := shapeRange(n, len(in))
				out[0] = to - from
			}
			yields(n, 0, tensor.Int64, out)
			return nil
		},
		Cost: free,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			return Kernel{Class: "shape", Bind: func(c *Call) func() error {
				return func() error {
					in := c.In[0].Shape
					from, to := shapeRange(n, len(in))
					place(c.Out[0], tensor.Int64, tensor.Shape{to - from})
					for i, d := range in[from:to] {
						tensor.Data[int64](c.Out[0].Tensor)[i] = int64(d)
					}
					return nil
				}
			}}, nil
		},
	}
}

// shapeRange reads start and end, which count from the end where negative and are clamped.
func shapeRange(n *graph.Node, rank int) (from, to int) {
	clamp := func(i int) int {
		if i < 0 {
			i += rank
		}
		return min(max(i, 0), rank)
	}
	from, to = clamp(n.Int("start", 0)), clamp(n.Int("end", rank))
	return from, max(from, to)
}

// sizeOf counts the elements of its input.
func sizeOf() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			yields(n, 0, tensor.Int64, tensor.Shape{})
			return nil
		},
		Cost: free,
		Prepare: func(*graph.Node, *Target) (Kernel, error) {
			return Kernel{Class: "shape", Bind: func(c *Call) func() error {
				return func() error {
					tensor.Data[int64](c.Out[0].Tensor)[0] = int64(c.In[0].Shape.Elements())
					return nil
				}
			}}, nil
		},
	}
}

// free is the cost of a node that touches no elements.
func free(*graph.Node) Cost { return Cost{Kind: View} }

// FoldShape computes the output of a Shape or Size node from its input's shape alone, where that says enough.
func FoldShape(n *graph.Node) (*tensor.Tensor, bool) {
	in := n.In(0)
	if in == nil || in.Shape == nil || n.Domain != "" {
		return nil, false
	}
	switch n.Op {
	case "Shape":
		from, to := shapeRange(n, len(in.Shape))
		part := in.Shape[from:to]
		if !part.Static() {
			return nil, false
		}
		t := tensor.New(tensor.Int64, tensor.Shape{len(part)})
		for i, d := range part {
			tensor.Data[int64](t)[i] = int64(d)
		}
		return &t, true
	case "Size":
		if !in.Static() {
			return nil, false
		}
		t := tensor.Scalar(tensor.Int64, int64(in.Shape.Elements()))
		return &t, true
	}
	return nil, false
}

// constantOp makes a tensor that the model states in an attribute.
func constantOp() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			t, err := Constant(n)
			if err != nil {
				return err
			}
			yields(n, 0, t.DType, t.Shape)
			return nil
		},
		Cost: free,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			t, err := Constant(n)
			return Kernel{Class: "copy", Bind: func(c *Call) func() error {
				return func() error { copyAll(&c.Out[0].Tensor, &t); return nil }
			}}, err
		},
	}
}

// Constant is the tensor of a Constant node. It shares the attribute's memory where it can.
func Constant(n *graph.Node) (tensor.Tensor, error) {
	for name, a := range n.Attributes {
		switch name {
		case "value":
			return tensor.Aligned(a.Tensor), nil
		case "value_float":
			return tensor.Scalar(tensor.Float32, a.Float), nil
		case "value_floats":
			return tensor.From(tensor.Float32, tensor.Shape{len(a.Floats)}, a.Floats), nil
		case "value_int":
			return tensor.Scalar(tensor.Int64, a.Int), nil
		case "value_ints":
			return tensor.From(tensor.Int64, tensor.Shape{len(a.Ints)}, a.Ints), nil
		case "value_string":
			return tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{}, Strings: []string{a.Str}}, nil
		case "value_strings":
			return tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(a.Strs)}, Strings: a.Strs}, nil
		case "sparse_value":
			return tensor.Tensor{}, fmt.Errorf("a sparse_value is not supported")
		}
	}
	return tensor.Tensor{}, fmt.Errorf("no value among its attributes")
}
