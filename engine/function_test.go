package engine_test

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// function makes a model-local function of the domain "own" from "name in… > out…".
func function(s string, defaults map[string]models.Attribute, nodes ...*models.Node) *models.Function {
	n := node(s)
	return &models.Function{Name: n.Op, Domain: "own", Inputs: n.Inputs, Outputs: n.Outputs, Defaults: defaults, Nodes: nodes, Opsets: map[string]int{"": models.Dialect}}
}

// own makes a node that calls a function.
func own(s string, attributes ...any) *models.Node {
	n := node(s, attributes...)
	n.Domain = "own"
	return n
}

// reference stands for an attribute of the caller.
func reference(name string) models.Attribute {
	return models.Attribute{Kind: models.ReferenceAttribute, Str: name}
}

func TestFunctions(t *testing.T) {
	x := floats(shape{2}, 1, -2)
	for _, c := range []struct {
		reason    string
		functions []*models.Function
		nodes     []*models.Node
		want      []float32
		err       string
	}{
		{
			reason:    "names of its own that the caller has too",
			functions: []*models.Function{function("F y > x", nil, node("Neg y > t"), node("Add t t > x"))},
			nodes:     []*models.Node{node("Abs x > t"), own("F x > u"), node("Add t u > y")},
			want:      []float32{-1, 6},
		},
		{
			reason:    "called twice, within itself the same names",
			functions: []*models.Function{function("F a > b", nil, node("Neg a > t"), node("Mul t a > b"))},
			nodes:     []*models.Node{own("F x > u"), own("F u > y")},
			want:      []float32{-1, -16},
		},
		{
			reason:    "an attribute of the caller, one of the defaults, and one that neither states",
			functions: []*models.Function{function("F a > b", map[string]models.Attribute{"beta": attribute(0.25)}, node("HardSigmoid a > b", "alpha", reference("slope"), "beta", reference("beta"), "gamma", reference("none")))},
			nodes:     []*models.Node{own("F x > y", "slope", 0.5)},
			want:      []float32{0.75, 0},
		},
		{
			reason: "an attribute handed through two calls, into a body",
			functions: []*models.Function{
				function("F a > b", nil, own("G a > b", "inner", reference("outer"))),
				function("G a > b", nil, node("ReduceSum a > s", "keepdims", 0), node("Less s a > all"), node("ReduceMax all > c", "keepdims", 0),
					node("If c > b", "then_branch", body("", "r", nil, node("LeakyRelu a > r", "alpha", reference("inner"))), "else_branch", body("", "r", nil, node("Identity a > r")))),
			},
			nodes: []*models.Node{own("F x > y", "outer", 3.0)},
			want:  []float32{1, -6},
		},
		{
			reason: "an optional input left out, by its place and by its end, and then in a body",
			functions: []*models.Function{function("F a low high > b", nil, node("Clip a low high > c"), node("ReduceMax a > m", "keepdims", 0), node("Cast m > k", "to", int(tensor.Bool)),
				node("If k > b", "then_branch", body("", "r", nil, node("Clip c low high > r")), "else_branch", body("", "r", nil, node("Identity c > r"))))},
			nodes: []*models.Node{node("ReduceMax x > top", "keepdims", 0), node("ReduceMin x > least", "keepdims", 0), node("Neg top > n"), own("F x n > u"), own("F x _ least > v"), node("Concat u v > y", "axis", 0)},
			want:  []float32{1, -1, -2, -2},
		},
		{
			reason:    "an output that nobody wants, and one that is an input",
			functions: []*models.Function{function("F a > b c a", nil, node("Neg a > b"), node("Abs a > c"))},
			nodes:     []*models.Node{own("F x > _ u v"), node("Add u v > y")},
			want:      []float32{2, 0},
		},
		{
			reason:    "a call in a body, over a capture",
			functions: []*models.Function{function("F a > b", nil, node("Neg a > b"))},
			nodes: []*models.Node{node("ReduceMax x > m", "keepdims", 0), node("Cast m > k", "to", int(tensor.Bool)),
				node("If k > y", "then_branch", body("", "r", nil, own("F x > r")), "else_branch", body("", "r", nil, node("Identity x > r")))},
			want: []float32{-1, 2},
		},
		{
			reason:    "functions that call each other without end",
			functions: []*models.Function{function("F a > b", nil, own("G a > b")), function("G a > b", nil, own("F a > b"))},
			nodes:     []*models.Node{own("F x > y")},
			err:       "functions call each other more than 64 deep",
		},
		{
			reason:    "an error in a function names the call and the node",
			functions: []*models.Function{function("F a > b", nil, node("Neg a > t"), node("MatMul t missing > b"))},
			nodes:     []*models.Node{own("F x > y")},
			err:       `node "y": F: node "b": MatMul: input "missing" is not defined`,
		},
		{
			reason:    "an error in the inference of a function's node",
			functions: []*models.Function{function("F a > b", nil, node("Transpose a > b", "perm", []int64{1, 0}))},
			nodes:     []*models.Node{own("F x > y")},
			err:       `node "y/b": Transpose: `,
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			m := model("x float32 2", "y", nil, c.nodes...)
			m.Functions = c.functions
			for way, o := range ways() {
				p, err := engine.Compile(m, o)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Errorf("%s: error %v, want one with %q", way, err, c.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want(t, session(t, p), list(x), floats(shape{len(c.want)}, c.want...))
			}
		})
	}
}
