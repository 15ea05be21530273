package models

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

func typed(names ...string) []*Value {
	var vs []*Value
	for _, n := range names {
		vs = append(vs, &Value{Name: n, Type: Type{DType: tensor.Float32}})
	}
	return vs
}

// apply is a node named after its output.
func apply(op, out string, in ...string) *Node {
	return &Node{Name: "make_" + out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attrs{}}
}

// graphOf has the inputs x and x2 and the output y.
func graphOf(nodes ...*Node) *Graph {
	return &Graph{Inputs: typed("x", "x2"), Outputs: typed("y"), Nodes: nodes, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{}}
}

// body is a graph without inputs.
func body(output string, nodes ...*Node) Attribute {
	return Attribute{Kind: GraphAttribute, Graph: &Graph{Outputs: typed(output), Nodes: nodes, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{}}}
}

func with(n *Node, name string, a Attribute) *Node {
	n.Attributes[name] = a
	return n
}

func TestCheck(t *testing.T) {
	in := func(g *Graph, name string, v tensor.Tensor) *Graph { g.Initializers[name] = v; return g }
	deep := body("d", apply("Relu", "d", "x"))
	for range maxGraphDepth {
		deep = body("d", with(apply("If", "d", "x"), "then_branch", deep))
	}
	function := func(name string, nodes ...*Node) *Function {
		return &Function{Name: name, Domain: "f", Inputs: []string{"p"}, Outputs: []string{"q"}, Opsets: map[string]int{"": 18}, Attributes: []string{"alpha"}, Nodes: nodes}
	}
	call := func(f, out, in string) *Node {
		return &Node{Name: "call_" + out, Op: f, Domain: "f", Inputs: []string{in}, Outputs: []string{out}}
	}
	for _, c := range []struct {
		why       string
		graph     *Graph
		functions []*Function
		want      string // the error; "" is none
	}{
		{"a chain", graphOf(apply("Relu", "h", "x"), apply("Add", "y", "h", "x2")), nil, ""},
		{"an absent input", graphOf(apply("Clip", "y", "x", "", "x2")), nil, ""},
		{"an output that is an input", &Graph{Inputs: typed("x"), Outputs: typed("x")}, nil, ""},
		{"no outputs", &Graph{Inputs: typed("x")}, nil, "the graph has no outputs"},
		{"an output nobody makes", graphOf(apply("Relu", "h", "x")), nil, `output "y" is made by no node`},
		{"an input without a type", &Graph{Inputs: []*Value{{Name: "x"}}, Outputs: typed("x")}, nil, `input "x" has no type`},
		{"an input without a name", &Graph{Inputs: typed("")}, nil, "the graph has no outputs"},
		{"two inputs of a name", &Graph{Inputs: typed("x", "x"), Outputs: typed("x")}, nil, `input "x": another value has this name`},
		{"a value made twice", graphOf(apply("Relu", "y", "x"), &Node{Name: "again", Op: "Abs", Inputs: []string{"x"}, Outputs: []string{"y"}}), nil,
			`node "again": Abs: output 0 "y": another value has this name`},
		{"a value that is an input already", graphOf(apply("Relu", "x", "x2")), nil, `node "make_x": Relu: output 0 "x": another value has this name`},
		{"an input nobody makes", graphOf(apply("Add", "y", "x", "nothing")), nil, `node "make_y": Add: input 1, "nothing", is made by no node`},
		{"two nodes of a name", graphOf(apply("Relu", "y", "x"), &Node{Name: "make_y", Op: "Abs", Inputs: []string{"x"}, Outputs: []string{"z"}}), nil,
			`node "make_y": another node has this name`},
		{"a node without an operator", graphOf(apply("", "y", "x")), nil, `node "make_y": : the node has no operator`},
		{"a node without outputs", graphOf(&Node{Name: "n", Op: "Relu", Inputs: []string{"x"}, Outputs: []string{""}}), nil, `node "n": Relu: the node has no outputs`},
		{"a cycle of two", graphOf(apply("Add", "a", "x", "b"), apply("Relu", "b", "a"), apply("Relu", "y", "a")), nil,
			`the graph has a cycle: "make_b" → "make_a" → "make_b"`},
		{"a node that reads itself", graphOf(apply("Add", "y", "x", "y")), nil, `the graph has a cycle: "make_y" → "make_y"`},
		{"a cycle through a body", graphOf(with(apply("If", "a", "x"), "then_branch", body("t", apply("Relu", "t", "y"))), apply("Relu", "y", "a")), nil,
			`the graph has a cycle: "make_y" → "make_a" → "make_y"`},
		{"a domain that is not imported", graphOf(&Node{Name: "n", Op: "Gelu", Domain: "com.microsoft", Inputs: []string{"x"}, Outputs: []string{"y"}}), nil,
			`node "n": Gelu: no operator set of domain com.microsoft is imported`},
		{"too few bytes", in(graphOf(apply("Add", "y", "x", "w")), "w", tensor.Tensor{DType: tensor.Float32, Shape: tensor.Shape{3}, Bytes: make([]byte, 8)}), nil,
			`initializer "w": 8 bytes for float32 3`},
		{"too many elements to count", in(graphOf(apply("Add", "y", "x", "w")), "w", tensor.Tensor{DType: tensor.Float32, Shape: tensor.Shape{1 << 62, 4}}), nil,
			`initializer "w": 0 bytes for float32 4611686018427387904x4`},
		{"strings that are missing", in(graphOf(apply("Add", "y", "x", "w")), "w", tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{1}}), nil,
			`initializer "w": 0 strings for shape 1`},
		{"an attribute of no kind", graphOf(with(apply("Relu", "y", "x"), "a", Attribute{})), nil, `node "make_y": Relu: attribute "a": unknown attribute kind 0`},
		{"a reference outside of a function", graphOf(with(apply("Relu", "y", "x"), "a", Attribute{Kind: ReferenceAttribute, Str: "alpha"})), nil,
			`node "make_y": Relu: attribute "a": it refers to "alpha", which is no attribute of a function around it`},
		{"a body that reads the graph around it", graphOf(apply("Relu", "h", "x"), with(apply("If", "y", "x"), "then_branch", body("t", apply("Add", "t", "h", "x2")))), nil, ""},
		{"a body that reads what nobody makes", graphOf(with(apply("If", "y", "x"), "then_branch", body("t", apply("Relu", "t", "nothing")))), nil,
			`node "make_y": If: node "make_t": Relu: input 0, "nothing", is made by no node`},
		{"a body's value is not the graph's", graphOf(with(apply("If", "h", "x"), "then_branch", body("t", apply("Relu", "t", "x"))), apply("Relu", "y", "t")), nil,
			`node "make_y": Relu: input 0, "t", is made by no node`},
		{"bodies without end", graphOf(with(apply("If", "y", "x"), "then_branch", deep)), nil, "graphs nested deeper than 32"},
		{"a function", graphOf(call("f", "y", "x")), []*Function{function("f", with(apply("Elu", "q", "p"), "alpha", Attribute{Kind: ReferenceAttribute, Str: "alpha"}))}, ""},
		{"two functions of a name", graphOf(call("f", "y", "x")), []*Function{function("f", apply("Relu", "q", "p")), function("f", apply("Relu", "q", "p"))},
			`function "f": another function of domain f has this name`},
		{"a function that reads what is around it", graphOf(call("f", "y", "x")), []*Function{function("f", apply("Add", "q", "p", "x"))},
			`function "f": node "make_q": Add: input 1, "x", is made by no node`},
		{"a function that doesn't make its output", graphOf(call("f", "y", "x")), []*Function{function("f", apply("Relu", "r", "p"))}, `function "f": output "q" is made by no node`},
		{"functions that call themselves", graphOf(call("f", "y", "x")), []*Function{function("f", call("g", "q", "p")), function("g", call("f", "q", "p"))},
			`function "f" calls itself: "f" → "g" → "f"`},
	} {
		t.Run(c.why, func(t *testing.T) {
			err := Check(&Model{Graph: c.graph, Opsets: map[string]int{"": 18, "f": 1}, Functions: c.functions})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %v", err)
			case c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)):
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestCheckPutsNodesInOrder(t *testing.T) {
	g := graphOf(apply("Relu", "y", "c"), with(apply("If", "c", "x"), "then_branch", body("t", apply("Relu", "t", "b"))), apply("Relu", "b", "a"), apply("Relu", "a", "x"), apply("Relu", "z", "x"))
	if err := Check(&Model{Graph: g, Opsets: map[string]int{"": 18}}); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, n := range g.Nodes {
		order = append(order, n.Outputs[0])
	}
	if got := strings.Join(order, " "); got != "a b c y z" {
		t.Errorf("order %s", got)
	}
}

func TestCaptures(t *testing.T) {
	inner := body("i", apply("Add", "i", "own", "far"))
	g := body("o", apply("Relu", "own", "near"), with(apply("If", "o", "own"), "then_branch", inner)).Graph
	if got := strings.Join(g.Captures(), " "); got != "far near" {
		t.Errorf("captures %s", got)
	}
}
