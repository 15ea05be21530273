package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// elementwise is eiplan/Elementwise: the nodes of its body, each of which Fusible lets through, over operands that broadcast to the output. It walks the
// memory once, in blocks that stay in the nearest cache. The body's inputs are the node's own, its constants lie in the body. Each input and the output
// may be float32 or bfloat16 in memory, in any layout if all share it; what is in between is float32.
func elementwise() Op {
	return Op{Infer: inferElementwise, Cost: costMembers, Prepare: prepareElementwise}
}

func inferElementwise(n *graph.Node) error {
	body := n.Bodies["body"]
	if body == nil || len(body.Inputs) != len(n.Inputs) || len(body.Outputs) != 1 {
		return fmt.Errorf("no body of %d inputs and one output", len(n.Inputs))
	}
	for i, v := range body.Inputs {
		v.DType, v.Shape = tensor.Float32, n.Inputs[i].Shape
	}
	if err := InferGraph(body); err != nil {
		return err
	}
	d := tensor.Float32
	if n.Outputs[0].DType == tensor.BFloat16 {
		d = tensor.BFloat16
	}
	yields(n, 0, d, body.Outputs[0].Shape)
	return nil
}

// costMembers counts the operations of all members, and the elements that cross the node.
func costMembers(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Elementwise
	for _, m := range n.Bodies["body"].Nodes {
		c.FLOPs += CostOf(m).FLOPs
	}
	return c
}

// Fusible reports whether a node can be a member of an eiplan/Elementwise: an elementwise operator of float32 that is known by its name, its types and its
// constants to have a loop over blocks. Its shapes are known.
func Fusible(n *graph.Node) bool {
	if n.Domain != "" || len(n.Bodies) > 0 || len(n.Outputs) != 1 || !plainFloat(n.Outputs[0]) {
		return false
	}
	operands := n.Inputs
	switch {
	case n.Op == "Pow" && len(n.Inputs) == 2:
		if n.Inputs[1] == nil || !n.Inputs[1].Known() || n.Inputs[1].Const.Len() != 1 || !n.Outputs[0].Shape.Equal(n.Inputs[0].Shape) {
			return false
		}
		operands = n.Inputs[:1]
	case n.Op == "Clip":
		if n.In(0) == nil {
			return false
		}
	case !fusedFolds[n.Op] && !isFloatFunction(n.Op):
		return false
	}
	for _, v := range operands {
		if v == nil && n.Op == "Clip" {
			continue
		}
		if !plainFloat(v) {
			return false
		}
	}
	return len(n.Inputs) > 0
}

// Gains reports whether a fusible node runs better as an eiplan/Elementwise of one member: its own kernel computes one element after the other, or in rows
// too short for vectors.
func Gains(n *graph.Node) bool {
	switch n.Op {
	case "PRelu", "Pow", "Celu", "Selu", "Mish", "Softsign", "Tan":
		return true
	case "Swish":
		return n.Float("alpha", 1) != 1
	}
	if !fusedFolds[n.Op] || len(n.Inputs) != 2 {
		return false
	}
	const short, many = 64, 8
	w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape)
	return err == nil && w.row < short && w.rows >= many && w.width(0) == w.width(1)
}

// fusedFolds are the operators over several operands that a fused node folds from the left.
var fusedFolds = map[string]bool{"Add": true, "Sub": true, "Mul": true, "Div": true, "Max": true, "Min": true, "Sum": true, "Mean": true, "PRelu": true}

func plainFloat(v *graph.Value) bool {
	return v != nil && v.Kind == models.TensorKind && v.DType == tensor.Float32 && v.Static() && v.Shape.Elements() > 0
}

// isFloatFunction reports whether an operator is a function of one number.
func isFloatFunction(op string) bool {
	switch op {
	case "Elu", "Celu", "Selu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "Swish", "Shrink", "Gelu":
		return true
	}
	return plainMeaning(op) != nil
}

func prepareElementwise(n *graph.Node, t *Target) (Kernel, error) {
	p, err := planFused(n, t)
	if err != nil {
		return Kernel{}, err
	}
	class := fmt.Sprintf("elementwise %d %s", len(n.Bodies["body"].Nodes), p.v.Variant)
	return Kernel{Class: class, Scratch: p.scratch() * max(t.Threads, 1), Bind: p.bind}, nil
}

// planFused settles the steps of a fused node and its walk.
func planFused(n *graph.Node, t *Target) (*fusedPlan, error) {
	body := n.Bodies["body"]
	p := &fusedPlan{v: vector.For(t.Features)}
	c := composer{target: t, plan: p, ids: map[*graph.Value]int{}, uses: map[*graph.Value]int{}, channels: n.Outputs[0].Layout.Stride}
	for i, v := range body.Inputs {
		c.ids[v] = len(p.operands)
		p.operands = append(p.operands, fusedOperand{input: i, narrow: n.Inputs[i].DType == tensor.BFloat16})
		c.shapes = append(c.shapes, n.Inputs[i])
	}
	for _, m := range body.Nodes {
		for _, v := range m.Inputs {
			c.uses[v]++
		}
	}
	for _, m := range body.Nodes {
		c.member(m)
	}
	if c.ids[body.Outputs[0]] != c.last() {
		panic("ops: a fused node's output is not its last step's")
	}
	y := n.Outputs[0]
	p.narrow = y.DType == tensor.BFloat16
	p.lattice = latticeOf(y, c.shapes)
	p.allocate()
	if y.Layout.Channels && y.Shape[1] != y.Layout.Stride {
		p.pixel, p.channels = y.Layout.Stride, y.Shape[1]
		p.clears = !p.keepsZeros()
	}
	return p, nil
}
