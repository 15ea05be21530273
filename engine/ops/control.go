package ops

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// bodiedKeys are the operators with bodies.
var bodiedKeys = [...]string{"If", "Loop", "Scan", "SequenceMap", "ai.onnx.preview/FlexAttention"}

// bodied finds the operators with bodies. They stand apart from the registry because they ask it about the nodes of their bodies.
func bodied(key string) (Op, bool) {
	switch key {
	case "If":
		return ifOp(), true
	case "Loop":
		return loop(), true
	case "Scan":
		return scan(), true
	case "SequenceMap":
		return sequenceMap(), true
	case "ai.onnx.preview/FlexAttention":
		return flexAttention(), true
	case "eiplan/Elementwise":
		return elementwise(), true
	case "eiplan/ConvChain":
		return convChain(), true
	}
	return Op{}, false
}

func costControl(*graph.Node) Cost { return Cost{Kind: Control} }

// ifOp runs one of two bodies, then_branch where the first input is true, else else_branch. A body has no inputs but the captures.
func ifOp() Op {
	branches := []string{"then_branch", "else_branch"}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, bools); err != nil {
				return err
			}
			if err := single("the condition", n.Inputs[0]); err != nil {
				return err
			}
			for i, name := range branches {
				if n.Inputs[0].Known() && taken(n.Inputs[0].Const) != i {
					continue // need not fit the inputs
				}
				if err := inferBody(n, name, n.Inputs[1:], len(n.Outputs)); err != nil {
					return err
				}
			}
			for i, out := range n.Outputs {
				if out == nil {
					continue
				}
				yes, no := n.Bodies[branches[0]].Outputs[i], n.Bodies[branches[1]].Outputs[i]
				switch {
				case n.Inputs[0].Known():
					likeInput(n, i, []*graph.Value{yes, no}[taken(n.Inputs[0].Const)])
				case yes.Kind != no.Kind || yes.Elem.Kind != no.Elem.Kind || yes.DType != no.DType:
					return fmt.Errorf("output %d is %s in one branch and %s in the other", i, yes.DType, no.DType)
				default:
					likeInput(n, i, common(yes, no))
				}
			}
			return nil
		},
		Cost: costControl,
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			var bodies [2]Body
			var errs [2]error
			for i, name := range branches {
				if n.Inputs[0].Known() && taken(n.Inputs[0].Const) != i {
					continue // never runs
				}
				if bodies[i], errs[i] = t.Body(n.Bodies[name], t); errs[i] != nil {
					errs[i] = fmt.Errorf("%s: %w", name, errs[i])
				}
			}
			if bodies[0] == nil && bodies[1] == nil {
				return Kernel{}, errors.Join(errs[:]...)
			}
			return Kernel{Class: "control", Bind: func(c *Call) func() error { return bindIf(c, bodies, errs) }}, nil
		},
	}
}

// single checks that a value, where it is present and its shape known, has one element.
func single(what string, v *graph.Value) error {
	if v != nil && v.Static() && v.Shape.Elements() != 1 {
		return fmt.Errorf("%s has %d elements; it must have one", what, v.Shape.Elements())
	}
	return nil
}

// taken is which branch a condition takes: 0 where it is true, else 1.
func taken(cond *tensor.Tensor) int {
	if tensor.Data[bool](*cond)[0] {
		return 0
	}
	return 1
}

// bindIf makes the work of an If. A body that could not be compiled for the inputs, which then fit the other branch, is an error when its turn comes.
func bindIf(c *Call, bodies [2]Body, errs [2]error) func() error {
	var runs [2]BodyRun
	for i, b := range bodies {
		if b != nil {
			runs[i] = b.NewRun(c.Team)
		}
	}
	return func() error {
		which := taken(&c.In[0].Tensor)
		if runs[which] == nil {
			return errs[which]
		}
		out, err := runs[which].Run(c.In[1:])
		if err != nil {
			return err
		}
		for i, slot := range c.Out {
			if slot != nil {
				hold(slot, out[i])
			}
		}
		return nil
	}
}

// common is a value of the type of a whose shapes are open where those of b differ.
func common(a, b *graph.Value) *graph.Value {
	v := *a
	v.Shape, v.Elem.Shape = commonShape(a.Shape, b.Shape), commonShape(a.Elem.Shape, b.Elem.Shape)
	return &v
}

// commonShape keeps what two shapes agree on; it is nil where their ranks differ.
func commonShape(a, b tensor.Shape) tensor.Shape {
	if a == nil || b == nil || len(a) != len(b) {
		return nil
	}
	out := a.Clone()
	for i := range out {
		if a[i] != b[i] {
			out[i] = tensor.Unknown
		}
	}
	return out
}

// inferBody gives a body's inputs the types of the given values, whose last are the captures, and infers the rest of it.
func inferBody(n *graph.Node, name string, in []*graph.Value, outputs int) error {
	body := n.Bodies[name]
	if body == nil {
		return fmt.Errorf("no %s", name)
	}
	if len(body.Inputs) != len(in) {
		return fmt.Errorf("%s takes %d inputs and is given %d", name, len(body.Inputs), len(in))
	}
	if len(body.Outputs) != outputs {
		return fmt.Errorf("%s has %d outputs; %d are wanted", name, len(body.Outputs), outputs)
	}
	for i, v := range in {
		if v != nil {
			body.Inputs[i].SetType(v)
		}
	}
	if err := InferGraph(body); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// hold copies what a slot of a body's run has into a slot that outlives it.
func hold(to, from *Slot) {
	to.Absent = from.Absent
	to.Items = from.Items // whose tensors nobody writes to
	if from.DType == tensor.Undefined {
		return
	}
	place(to, from.DType, from.Shape)
	copyAll(&to.Tensor, &from.Tensor)
}
