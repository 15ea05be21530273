package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// dropout passes its input on. In training mode it keeps each element with the probability 1 - ratio, divided by that, and makes all others 0; the mask says
// which are kept. Inputs: data, ratio (0.5 where absent), training_mode. The attribute seed is as generator has it.
func dropout() Op {
	return Op{
		Random:  true,
		Infer:   inferDropout,
		Cost:    costElementwise(1),
		Prepare: unpacked(prepareDropout),
	}
}

func inferDropout(n *graph.Node) error {
	if err := arity(n, 1, 3); err != nil {
		return err
	}
	if err := takes(n, 0, anything); err != nil {
		return err
	}
	if err := takes(n, 1, floats); err != nil {
		return err
	}
	if err := takes(n, 2, bools); err != nil {
		return err
	}
	for i := 1; i < 3; i++ {
		if v := n.In(i); v != nil && v.Static() && v.Shape.Elements() != 1 {
			return fmt.Errorf("input %d is %s; a scalar is wanted", i, v.Shape)
		}
	}
	yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
	yields(n, 1, tensor.Bool, n.Inputs[0].Shape)
	return nil
}

func prepareDropout(n *graph.Node, _ *Target) (Kernel, error) {
	return Kernel{Class: "dropout", Bind: func(c *Call) func() error {
		r := generator(n)
		return func() error {
			ratio, training := 0.5, len(c.In) > 2 && c.In[2] != nil && tensor.Data[bool](c.In[2].Tensor)[0]
			if len(c.In) > 1 && c.In[1] != nil {
				ratio = realAt(&c.In[1].Tensor, 0)
			}
			switch d := c.In[0].DType; {
			case !training || ratio == 0:
				passAll(c)
				return nil
			case !(ratio > 0 && ratio < 1):
				return fmt.Errorf("ratio %v; it must be at least 0 and below 1", ratio)
			case !floats.has(d):
				return badType(d)
			}
			return drop(c, r.Float64, ratio)
		}
	}}, nil
}

// passAll keeps every element.
func passAll(c *Call) {
	if c.Out[0] != nil {
		copyAll(&c.Out[0].Tensor, &c.In[0].Tensor)
	}
	if len(c.Out) > 1 && c.Out[1] != nil {
		for i := range c.Out[1].Bytes {
			c.Out[1].Bytes[i] = 1
		}
	}
}

// drop keeps the elements for which next, uniform in [0, 1), draws no less than ratio.
func drop(c *Call, next func() float64, ratio float64) error {
	in, scale := &c.In[0].Tensor, 1/(1-ratio)
	var s scalars
	for at := 0; at < in.Len(); at += chunk {
		count := min(chunk, in.Len()-at)
		s.load(in, at, count)
		for i := range count {
			kept := next() >= ratio
			if s.part[i] *= scale; !kept {
				s.part[i] = 0
			}
			if len(c.Out) > 1 && c.Out[1] != nil {
				tensor.Data[bool](c.Out[1].Tensor)[at+i] = kept
			}
		}
		if c.Out[0] == nil {
			continue
		}
		if err := s.change(tensor.Float64, in.DType, count); err != nil {
			return err
		}
		conversion{}.store(&c.Out[0].Tensor, at, count, &s)
	}
	return nil
}
