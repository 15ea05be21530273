package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// view is an operator that gives its first input's elements another shape. shape works that out; it is nil where the rank is unknown.
func view(atLeast, atMost int, shape func(n *graph.Node) (tensor.Shape, error)) Op {
	return Op{
		View: true,
		Infer: func(n *graph.Node) error {
			if err := arity(n, atLeast, atMost); err != nil {
				return err
			}
			s, err := shape(n)
			if err != nil {
				return err
			}
			yields(n, 0, n.Inputs[0].DType, s)
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			return Kernel{Class: "view", Bind: func(c *Call) func() error {
				return func() error { copyAll(&c.Out[0].Tensor, &c.In[0].Tensor); return nil }
			}}, nil
		},
	}
}

// reshape gives a tensor the shape that its second input lists: 0 keeps the input's dimension (or, with allowzero, is 0), one -1 takes what is left.
func reshape() Op {
	return view(2, 2, func(n *graph.Node) (tensor.Shape, error) {
		if err := takes(n, 1, indices); err != nil {
			return nil, err
		}
		if !n.Inputs[1].Known() {
			if s := n.Inputs[1].Shape; len(s) == 1 && s[0] != tensor.Unknown {
				return unknowns(s[0]), nil
			}
			return nil, nil
		}
		want, err := known(n, 1)
		if err != nil {
			return nil, err
		}
		return reshaped(n.Inputs[0].Shape, want, n.Int("allowzero", 0) != 0)
	})
}

func reshaped(in tensor.Shape, want []int, allowZero bool) (tensor.Shape, error) {
	out := make(tensor.Shape, len(want))
	free, product, static := -1, 1, true
	for i, d := range want {
		switch {
		case d == -1 && free >= 0:
			return nil, fmt.Errorf("shape %v has more than one -1", want)
		case d == -1:
			free = i
			continue
		case d < -1:
			return nil, fmt.Errorf("shape %v has a negative dimension", want)
		case d == 0 && !allowZero && in == nil:
			d = tensor.Unknown
		case d == 0 && !allowZero:
			if i >= len(in) {
				return nil, fmt.Errorf("shape %v copies dimension %d of input %s", want, i, in)
			}
			d = in[i]
		}
		out[i] = d
		if d == tensor.Unknown {
			static = false
		} else {
			product = clampedProduct(product, d)
		}
	}
	if in == nil || !in.Static() || !static {
		if free >= 0 {
			out[free] = tensor.Unknown
		}
		return out, nil
	}
	total := in.Elements()
	if free >= 0 {
		if product == 0 && total != 0 || product != 0 && total%product != 0 {
			return nil, fmt.Errorf("input %s has %d elements, which shape %v does not divide", in, total, want)
		}
		if product != 0 {
			out[free] = total / product
		}
	}
	if out.Elements() != total {
		return nil, fmt.Errorf("input %s has %d elements, shape %s has %d", in, total, out, out.Elements())
	}
	return out, nil
}

// flatten makes a matrix: the dimensions before axis are its rows.
func flatten() Op {
	return view(1, 1, func(n *graph.Node) (tensor.Shape, error) {
		in := n.Inputs[0].Shape
		if in == nil {
			return unknowns(2), nil
		}
		axis := n.Int("axis", 1)
		if axis < -len(in) || axis > len(in) {
			return nil, fmt.Errorf("axis %d of a tensor of rank %d", axis, len(in))
		}
		if axis < 0 {
			axis += len(in)
		}
		out := unknowns(2)
		for i, part := range []tensor.Shape{in[:axis], in[axis:]} {
			if part.Static() {
				out[i] = part.Elements()
			}
		}
		return out, nil
	})
}

// squeeze drops dimensions of 1: those listed by the second input, or all.
func squeeze() Op {
	return view(1, 2, func(n *graph.Node) (tensor.Shape, error) {
		in := n.Inputs[0].Shape
		axes, err := known(n, 1)
		if err != nil || in == nil {
			return nil, err
		}
		if n.In(1) == nil {
			if !in.Static() {
				return nil, nil
			}
			return slices.DeleteFunc(in.Clone(), func(d int) bool { return d == 1 }), nil
		}
		if !n.In(1).Known() {
			if s := n.In(1).Shape; len(s) == 1 && s[0] >= 0 && s[0] <= len(in) {
				return unknowns(len(in) - s[0]), nil
			}
			return nil, nil
		}
		if axes, err = axesOf(axes, len(in)); err != nil {
			return nil, err
		}
		out := tensor.Shape{}
		for i, d := range in {
			if !slices.Contains(axes, i) {
				out = append(out, d)
			} else if d != 1 && d != tensor.Unknown {
				return nil, fmt.Errorf("dimension %d of input %s is not 1", i, in)
			}
		}
		return out, nil
	})
}

// unsqueeze inserts dimensions of 1 at the places, in the output, that the second input lists.
func unsqueeze() Op {
	return view(2, 2, func(n *graph.Node) (tensor.Shape, error) {
		in := n.Inputs[0].Shape
		if in == nil {
			return nil, nil
		}
		if !n.Inputs[1].Known() {
			if s := n.Inputs[1].Shape; len(s) == 1 && s[0] != tensor.Unknown {
				return unknowns(len(in) + s[0]), nil
			}
			return nil, nil
		}
		axes, err := known(n, 1)
		if err != nil {
			return nil, err
		}
		if axes, err = axesOf(axes, len(in)+len(axes)); err != nil {
			return nil, err
		}
		slices.Sort(axes)
		out := in.Clone()
		for _, a := range axes {
			out = slices.Insert(out, a, 1)
		}
		return out, nil
	})
}

// identity passes on whatever it is given.
func identity() Op {
	op := view(1, 1, func(n *graph.Node) (tensor.Shape, error) { return n.Inputs[0].Shape, nil })
	tensors := op.Prepare
	op.Infer = func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		likeInput(n, 0, n.Inputs[0])
		return nil
	}
	op.Prepare = func(n *graph.Node, t *Target) (Kernel, error) {
		if n.Inputs[0].Kind == models.TensorKind {
			return tensors(n, t)
		}
		return Kernel{Class: "view", Bind: func(c *Call) func() error {
			return func() error { share(c.Out[0], c.In[0]); return nil }
		}}, nil
	}
	return op
}

// likeInput gives an output the type and shape of a value.
func likeInput(n *graph.Node, output int, v *graph.Value) {
	if wants(n, output) {
		n.Outputs[output].SetType(v)
		n.Outputs[output].Shape = copied(v.Shape)
	}
}

// share lets a slot of a sequence or an optional hold what another one holds.
func share(to, from *Slot) { *to = *from }
