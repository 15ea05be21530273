package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// optionalOf wraps its input, or without one makes an optional that has no value, of the type that the attribute states.
func optionalOf() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 0, 1); err != nil {
			return err
		}
		d := tensor.Undefined
		if v := n.In(0); v != nil {
			d = v.DType
		} else if a, ok := n.Attributes["type"]; ok && a.Type != nil {
			d = elementType(*a.Type)
		} else {
			return fmt.Errorf("neither an input nor a type")
		}
		yields(n, 0, d, nil)
		if wants(n, 0) {
			n.Outputs[0].Kind = models.OptionalKind
		}
		return nil
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		if len(c.In) == 0 || c.In[0] == nil {
			*c.Out[0] = Slot{Absent: true}
			return nil
		}
		hold(c.Out[0], c.In[0])
		return nil
	})
}

// elementType is the type of the tensors inside a sequence or an optional.
func elementType(t models.Type) tensor.DType {
	for t.Elem != nil {
		t = *t.Elem
	}
	return t.DType
}

// optionalHasElement reports whether its input has a value; without an input it has none.
func optionalHasElement() Op {
	return onHost(func(n *graph.Node) error {
		yields(n, 0, tensor.Bool, tensor.Shape{})
		return arity(n, 0, 1)
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		tensor.Data[bool](c.Out[0].Tensor)[0] = len(c.In) > 0 && c.In[0] != nil && !c.In[0].Absent
		return nil
	})
}

// optionalGetElement is the value of an optional; what is no optional passes.
func optionalGetElement() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		likeInput(n, 0, n.Inputs[0])
		if wants(n, 0) && n.Outputs[0].Kind == models.OptionalKind {
			n.Outputs[0].Kind, n.Outputs[0].Shape = models.TensorKind, nil
		}
		return nil
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		if c.In[0].Absent {
			return fmt.Errorf("the optional has no value")
		}
		hold(c.Out[0], c.In[0])
		return nil
	})
}
