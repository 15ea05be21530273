package passes

import (
	"fmt"
	"maps"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// foldConstants gives every value its type and shape, in one sweep with what makes more of them known:
//
//	y = op(constants…)              →  y is a constant
//	y = Shape(x), x of known shape  →  y is a constant
//	y = If(known, then, else)       →  the nodes of the branch taken
//	y = BiasGelu(x, b)              →  the nodes of ai.onnx that an operator of com.microsoft stands for
func foldConstants(g *graph.Graph, o Options) error {
	f := folder{o: o, instead: map[*graph.Value]*graph.Value{}}
	todo := slices.Clone(g.Nodes)
	g.Nodes = nil
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		f.rewire(n.Inputs)
		if taken := f.branch(n); taken != nil {
			todo = append(f.splice(n, taken), todo...)
			continue
		}
		made, err := ops.Expand(n)
		if err != nil {
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
		if made != nil {
			todo = append(made, todo...)
			continue
		}
		known, err := f.node(n)
		if err != nil {
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
		if !known {
			g.Nodes = append(g.Nodes, n)
		}
	}
	f.rewire(g.Outputs)
	return nil
}

// foldLimit is the size of a constant, in bytes, above which it is left to be computed in the run.
const foldLimit = 1 << 30

type folder struct {
	o       Options
	instead map[*graph.Value]*graph.Value // what stands in place of the outputs of spliced nodes
}

func (f *folder) rewire(values []*graph.Value) {
	for i, v := range values {
		for with, ok := f.instead[v]; ok && v != nil; with, ok = f.instead[v] {
			v = with
		}
		values[i] = v
	}
}

// node infers n, and computes it where that is possible.
func (f *folder) node(n *graph.Node) (known bool, err error) {
	op := ops.Of(n)
	if err := f.bodies(n); err != nil {
		return false, err
	}
	if err := op.Infer(n); err != nil {
		return false, err
	}
	if t, ok := ops.FoldShape(n); ok {
		n.Outputs[0].Const, n.Outputs[0].Producer = t, nil
		return true, nil
	}
	if op.Random || len(n.Bodies) > 0 || !foldable(n) {
		return false, nil
	}
	in := make([]*ops.Slot, len(n.Inputs))
	for i, v := range n.Inputs {
		if v != nil {
			in[i] = &ops.Slot{Tensor: *v.Const}
		}
	}
	out, err := ops.Eval(n, in, f.o.Target, nil)
	if err != nil {
		return false, err
	}
	for i, v := range n.Outputs {
		if v != nil {
			t := out[i].Tensor
			v.DType, v.Shape, v.Const, v.Producer = t.DType, t.Shape.Clone(), &t, nil
			if n.Is("", "DequantizeLinear") {
				v.From = n
			}
		}
	}
	return true, nil
}

// foldable reports whether all inputs of n are known, and its outputs are tensors of a size worth keeping.
func foldable(n *graph.Node) bool {
	for _, v := range n.Inputs {
		if v != nil && !v.Known() {
			return false
		}
	}
	for _, v := range n.Outputs {
		if v == nil {
			continue
		}
		if v.Kind != models.TensorKind || v.Layout.Channels || v.Static() && ops.BytesOf(v.DType, v.Shape.Elements()) > foldLimit {
			return false
		}
	}
	return true
}

// bodies folds n's bodies, once their captures are known as far as they can be. Inference comes first: it gives the bodies' own inputs their types.
func (f *folder) bodies(n *graph.Node) error {
	if len(n.Bodies) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(n.Bodies)) {
		shareKnown(n, n.Bodies[name])
	}
	if n.Is("", "If") {
		return f.branches(n)
	}
	if err := ops.Of(n).Infer(n); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(n.Bodies)) {
		if err := foldConstants(n.Bodies[name], f.o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// branches folds both bodies of an If. One that cannot run at these shapes gives way to a node that says so if it is taken: models guard with a condition
// what holds for some shapes only.
func (f *folder) branches(n *graph.Node) error {
	failed := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(n.Bodies)) {
		if err := foldConstants(n.Bodies[name], f.o); err != nil {
			failed[name] = fmt.Errorf("%s: %w", name, err)
		}
	}
	other := map[string]string{"then_branch": "else_branch", "else_branch": "then_branch"}
	for name, err := range failed {
		if sound := n.Bodies[other[name]]; sound == nil || failed[other[name]] != nil {
			return err
		}
		n.Bodies[name] = failing(n.Bodies[name], n.Bodies[other[name]], err)
	}
	return nil
}

// failing is a body that ends the run with err. Its outputs have the types of sound's.
func failing(body, sound *graph.Graph, err error) *graph.Graph {
	node := &graph.Node{Name: body.Name, Op: "Fail", Domain: "eiplan", Attributes: map[string]models.Attribute{"message": {Kind: models.StringAttribute, Str: err.Error()}}}
	for _, v := range sound.Outputs {
		out := &graph.Value{Name: v.Name, Producer: node}
		out.SetType(v)
		node.Outputs = append(node.Outputs, out)
	}
	return &graph.Graph{Name: body.Name, Inputs: body.Inputs, Outputs: node.Outputs, Nodes: []*graph.Node{node}}
}

// shareKnown tells a body what is known of its captures.
func shareKnown(n *graph.Node, body *graph.Graph) {
	inner := body.Inputs[len(body.Inputs)-n.Captures:]
	for i, v := range n.Inputs[len(n.Inputs)-n.Captures:] {
		inner[i].SetType(v)
		inner[i].Const = v.Const
	}
}

// branch is the body that an If with a known condition takes; nil for any other node, and for one with which inference will find fault.
func (f *folder) branch(n *graph.Node) *graph.Graph {
	if !n.Is("", "If") || !n.In(0).Known() || n.Inputs[0].DType != tensor.Bool || n.Inputs[0].Const.Len() != 1 {
		return nil
	}
	body := n.Bodies["else_branch"]
	if tensor.Data[bool](*n.Inputs[0].Const)[0] {
		body = n.Bodies["then_branch"]
	}
	if body == nil || len(body.Inputs) != n.Captures || len(body.Outputs) != len(n.Outputs) {
		return nil
	}
	return body
}

// splice puts the values around an If in place of its body's inputs and outputs, and returns the body's nodes.
func (f *folder) splice(n *graph.Node, body *graph.Graph) []*graph.Node {
	for i, v := range body.Inputs {
		f.instead[v] = n.Inputs[len(n.Inputs)-n.Captures+i]
	}
	for i, v := range n.Outputs {
		if v != nil {
			f.instead[v] = body.Outputs[i]
		}
	}
	return body.Nodes
}
