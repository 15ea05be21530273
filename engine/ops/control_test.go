package ops_test

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestIfNeedsOnlyTheBranchTaken runs an If whose other branch does not fit the input.
func TestIfNeedsOnlyTheBranchTaken(t *testing.T) {
	branch := func(op string, params ...*graph.Value) *graph.Graph {
		in, out := &graph.Value{Name: "x"}, &graph.Value{Name: "y"}
		n := &graph.Node{Name: op, Op: op, Inputs: append([]*graph.Value{in}, params...), Outputs: []*graph.Value{out}}
		out.Producer = n
		return &graph.Graph{Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}, Nodes: []*graph.Node{n}}
	}
	seven := int64s(tensor.Shape{1}, 7)
	n := &graph.Node{
		Op: "If", Captures: 1, Inputs: []*graph.Value{{}, {}}, Outputs: []*graph.Value{{}},
		Bodies: map[string]*graph.Graph{
			"then_branch": branch("Neg"),
			"else_branch": branch("Reshape", &graph.Value{DType: tensor.Int64, Shape: tensor.Shape{1}, Const: &seven}),
		},
	}
	machine := target()
	machine.Body = func(g *graph.Graph, _ *ops.Target) (ops.Body, error) { return interpreter{g}, nil }
	run := func(cond bool) ([]*ops.Slot, error) {
		x := int64s(tensor.Shape{2}, 3, 4)
		return ops.Eval(n, []*ops.Slot{{Tensor: tensor.Scalar(tensor.Bool, cond)}, {Tensor: x}}, machine, nil)
	}
	out, err := run(true)
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.Data[int64](out[0].Tensor); len(got) != 2 || got[0] != -3 || got[1] != -4 {
		t.Errorf("got %v", got)
	}
	if _, err := run(false); err == nil || !strings.Contains(err.Error(), "else_branch: node \"Reshape\": Reshape: input 2 has 2 elements, shape 7 has 7") {
		t.Errorf("the branch that does not fit: %v", err)
	}
}

// TestFoldShape computes Shape and Size from static shapes, and from the static part of others.
func TestFoldShape(t *testing.T) {
	open := &graph.Value{DType: tensor.Float32, Shape: tensor.Shape{tensor.Unknown, 3, 5}}
	from := func(op string, start int) *graph.Node {
		return &graph.Node{Op: op, Inputs: []*graph.Value{open}, Attributes: intAttribute("start", start)}
	}
	if got, ok := ops.FoldShape(from("Shape", 1)); !ok || sameTensor(*got, int64s(tensor.Shape{2}, 3, 5)) != nil {
		t.Errorf("the known end of a shape: %v, %v", got, ok)
	}
	for _, n := range []*graph.Node{from("Shape", 0), from("Size", 0), from("Relu", 0)} {
		if got, ok := ops.FoldShape(n); ok {
			t.Errorf("%s folded to %v", n.Op, got)
		}
	}
}
