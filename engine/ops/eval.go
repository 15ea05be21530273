package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Eval runs one node on its own, as constant folding does: it infers, prepares, binds and runs. The inputs' types, shapes and contents are taken from
// in, in the order of n.Inputs; n itself is not changed.
func Eval(n *graph.Node, in []*Slot, t *Target, team *parallel.Team) ([]*Slot, error) {
	call := &Call{In: in, Out: make([]*Slot, len(n.Outputs)), Team: team}
	for i, v := range n.Outputs {
		if v != nil {
			call.Out[i] = &Slot{}
		}
	}
	b, err := Rebind(n, call, t, nil)
	if err != nil {
		return nil, err
	}
	return call.Out, b.Work()
}

// Bound is a node bound to a call for the shapes that its inputs had.
type Bound struct {
	work func() error
	call *Call
	node *graph.Node // with the types and shapes that it was prepared for
}

// Work runs the node.
func (b *Bound) Work() error { return b.work() }

// Rebind binds a node whose shapes are known only now, from what the call's inputs hold. Outputs of known shape get memory; the kernel makes the others.
// It returns last itself where that was bound for the same types and shapes. Several sessions may rebind a node at once.
func Rebind(n *graph.Node, call *Call, t *Target, last *Bound) (*Bound, error) {
	local, err := inferNow(n, call)
	if err != nil {
		return nil, err
	}
	if last != nil && alike(last.node.Inputs, local.Inputs) && alike(last.node.Outputs, local.Outputs) {
		return last, nil
	}
	for i, v := range n.Inputs {
		if v != nil && local.Inputs[i] != nil {
			local.Inputs[i].Const = v.Const // what only this run knows must not be packed like a weight
		}
	}
	k, err := Of(n).Prepare(local, t.duringRun())
	if err != nil {
		return nil, err
	}
	if most := allowance(local.Inputs); k.Scratch > most {
		return nil, fmt.Errorf("%d bytes of working memory are more than the %d that its inputs allow", k.Scratch, most)
	}
	bound := &Bound{node: local, call: &Call{In: call.In, Out: call.Out, Team: call.Team, Scratch: NewMemory(k.Scratch)}}
	for i, v := range local.Outputs {
		if v == nil || call.Out[i] == nil {
			continue
		}
		if v.Kind != models.TensorKind || !v.Static() {
			call.Out[i].DType = v.DType
			continue
		}
		if BytesOf(v.DType, v.Shape.Elements()) > MostBytes {
			return nil, fmt.Errorf("output %v is larger than memory can be", v)
		}
		place(call.Out[i], v.DType, v.Shape)
	}
	bound.work = k.Bind(bound.call)
	return bound, nil
}

// inferNow copies a node, and its bodies, with the types, shapes and contents that the call's inputs have now, and infers its outputs.
func inferNow(n *graph.Node, call *Call) (*graph.Node, error) {
	local := *n
	local.Inputs = make([]*graph.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil || call.In[i] == nil {
			continue
		}
		local.Inputs[i] = &graph.Value{Name: v.Name, Kind: v.Kind, DType: v.DType, Elem: v.Elem, Layout: v.Layout}
		if v.Kind == models.TensorKind {
			x := call.In[i].Tensor
			local.Inputs[i].DType, local.Inputs[i].Shape, local.Inputs[i].Const = x.DType, x.Shape.Clone(), &x
		}
	}
	local.Outputs = make([]*graph.Value, len(n.Outputs))
	for i, v := range n.Outputs {
		if v != nil {
			local.Outputs[i] = &graph.Value{Name: v.Name, Kind: v.Kind, DType: v.DType, Layout: v.Layout, Producer: &local}
		}
	}
	if len(n.Bodies) > 0 {
		local.Bodies = make(map[string]*graph.Graph, len(n.Bodies))
		for name, body := range n.Bodies {
			local.Bodies[name] = body.Clone()
		}
	}
	return &local, Of(n).Infer(&local)
}

// alike reports whether two lists of values have the same types, and shapes as far as they are known.
func alike(a, b []*graph.Value) bool {
	return slices.EqualFunc(a, b, func(a, b *graph.Value) bool {
		if a == nil || b == nil {
			return a == b
		}
		return a.Kind == b.Kind && a.DType == b.DType && (a.Shape == nil) == (b.Shape == nil) && a.Shape.Equal(b.Shape)
	})
}

// MostBytes is what no tensor takes on any machine, in bytes.
const MostBytes = 1 << 40

// BytesOf is the size of n elements of a type; for an n beyond all bounds still more than MostBytes.
func BytesOf(d tensor.DType, n int) int { return d.Bytes(min(n, 8*MostBytes+8)) }
