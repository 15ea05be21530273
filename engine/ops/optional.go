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
		v := n.In(0)
		if v == nil {
			a := n.Attributes["type"]
			if a.Type == nil {
				return fmt.Errorf("neither an input nor a type")
			}
			v = &graph.Value{}
			if err := v.Declare(*a.Type); err != nil {
				return fmt.Errorf("type: %w", err)
			}
		}
		if v.Kind == models.OptionalKind || v.Kind == models.MapKind || v.Elem.Kind != models.TensorKind {
			return fmt.Errorf("an optional holds a tensor or a sequence of tensors")
		}
		each := v.Shape
		if v.Kind == models.SequenceKind {
			each = v.Elem.Shape
		}
		if wants(n, 0) {
			n.Outputs[0].SetType(&graph.Value{Kind: models.OptionalKind, DType: v.DType, Elem: graph.Elem{Kind: v.Kind, Shape: copied(each)}})
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
		v := n.Inputs[0]
		switch {
		case v.Kind != models.OptionalKind:
			likeInput(n, 0, v)
		case v.Elem.Kind == models.SequenceKind:
			yieldsSequence(n, 0, v.DType, v.Elem.Shape)
		default:
			yields(n, 0, v.DType, v.Elem.Shape)
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
