package models

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/models/tensor"
)

// upgrader rewrites one graph, or the nodes of one function. Its methods are what the steps are written with.
type upgrader struct {
	opsets   map[string]int
	outer    *upgrader       // of the graph around a subgraph
	names    *names          // of values: one for the graph and all that is in it
	used     map[string]bool // values that something reads: one for the graph and all that is in it
	notes    map[string]bool
	nodes    names                    // of this graph's nodes
	types    map[string]tensor.DType  // of this graph's values, as far as known
	contents map[string]tensor.Tensor // initializers
	defaults map[string]bool          // those of them that a caller may override, so that nothing may be made of their content
	made     map[string]*Node         // which node of the new list makes a value

	current *Node
	list    []*Node // the new nodes
	after   []*Node // nodes to come after the current one
}

// newUpgrader is for nodes whose versions opsets states; where it doesn't, fallback may.
func newUpgrader(opsets, fallback map[string]int) *upgrader {
	versions := map[string]int{}
	for _, m := range []map[string]int{fallback, opsets} {
		for d, v := range m {
			versions[d] = v
		}
	}
	return &upgrader{
		opsets: versions, names: &names{}, used: map[string]bool{}, notes: map[string]bool{},
		types: map[string]tensor.DType{}, contents: map[string]tensor.Tensor{}, made: map[string]*Node{},
	}
}

// version is the version of a node's domain, or 0 where nothing is to be upgraded.
func (u *upgrader) version(domain string) int {
	if _, known := newest[domain]; !known {
		return 0
	}
	return u.opsets[domain]
}

func (u *upgrader) graph(g *Graph) error {
	u.contents = g.Initializers
	for name, t := range g.Initializers {
		u.types[name] = t.DType
	}
	for _, list := range [][]*Value{g.Inputs, g.Outputs} {
		for _, v := range list {
			u.declare(v)
		}
	}
	for _, v := range g.Values {
		u.declare(v)
	}
	if err := u.all(g.Nodes); err != nil {
		return err
	}
	g.Nodes = u.list
	return nil
}

func (u *upgrader) function(f *Function) error {
	u.reserve(f.Inputs)
	u.use(f.Outputs)
	u.reserveNodes(f.Nodes)
	if err := u.all(f.Nodes); err != nil {
		return err
	}
	f.Nodes = u.list
	return nil
}

func (u *upgrader) declare(v *Value) {
	if v.Type.Kind == TensorKind && v.Type.DType != tensor.Undefined {
		u.types[v.Name] = v.Type.DType
	}
}

func (u *upgrader) all(nodes []*Node) error {
	for _, n := range nodes {
		u.nodes.unique(n.Name)
	}
	u.list = make([]*Node, 0, len(nodes))
	for _, n := range nodes {
		if err := u.subgraphs(n); err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
		if err := u.node(n); err != nil {
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
	}
	return nil
}

func (u *upgrader) subgraphs(n *Node) error {
	for _, g := range n.Subgraphs() {
		inner := newUpgrader(u.opsets, nil)
		inner.outer, inner.names, inner.used, inner.notes = u, u.names, u.used, u.notes
		if err := inner.graph(g); err != nil {
			return err
		}
	}
	return nil
}

// reserveGraph takes the names of all values in g, so that new ones differ.
func (u *upgrader) reserveGraph(g *Graph) {
	for _, v := range g.Inputs {
		u.reserve([]string{v.Name})
	}
	for name := range g.Initializers {
		u.reserve([]string{name})
	}
	for _, v := range g.Outputs {
		u.use([]string{v.Name})
	}
	u.reserveNodes(g.Nodes)
}

func (u *upgrader) reserveNodes(nodes []*Node) {
	for _, n := range nodes {
		u.use(n.Inputs)
		u.reserve(n.Outputs)
		for _, sub := range n.Subgraphs() {
			u.reserveGraph(sub)
		}
	}
}

func (u *upgrader) reserve(list []string) {
	for _, name := range list {
		u.names.reserve(name)
	}
}

func (u *upgrader) use(list []string) {
	u.reserve(list)
	for _, name := range list {
		u.used[name] = true
	}
}

// isUsed reports whether a value is there and something reads it.
func (u *upgrader) isUsed(value string) bool { return value != "" && u.used[value] }

func (u *upgrader) append(n *Node) {
	u.list = append(u.list, n)
	for _, out := range n.Outputs {
		if out != "" {
			u.made[out] = n
		}
	}
}

// attrs is a node's attributes, for short.
type attrs = map[string]Attribute

func intAttribute(v int64) Attribute                { return Attribute{Kind: IntAttribute, Int: v} }
func intsAttribute(v ...int64) Attribute            { return Attribute{Kind: IntsAttribute, Ints: v} }
func floatAttribute(v float32) Attribute            { return Attribute{Kind: FloatAttribute, Float: v} }
func stringAttribute(v string) Attribute            { return Attribute{Kind: StringAttribute, Str: v} }
func tensorAttribute(t tensor.Tensor) Attribute     { return Attribute{Kind: TensorAttribute, Tensor: t} }
func (u *upgrader) note(format string, args ...any) { u.notes[fmt.Sprintf(format, args...)] = true }

// make builds a node of ai.onnx that belongs to the current one.
func (u *upgrader) make(op string, a attrs, inputs, outputs []string) *Node {
	if a == nil {
		a = attrs{}
	}
	return &Node{Name: u.nodes.unique(u.current.Name + "/" + op), Op: op, Inputs: inputs, Outputs: outputs, Attributes: a}
}

// add puts a node with one output before the current one and returns the output's name.
func (u *upgrader) add(op string, a attrs, inputs ...string) string {
	out := u.names.unique(u.current.Name + "/" + op)
	u.append(u.make(op, a, inputs, []string{out}))
	return out
}

// divert gives the current node's output i a new name, which it returns with the old one, for a node after it to make.
func (u *upgrader) divert(i int) (fresh, old string) {
	old = u.current.Outputs[i]
	fresh = u.names.unique(old + "/" + u.current.Op)
	u.current.Outputs[i] = fresh
	return fresh, old
}

// then puts a node that makes output after the current one.
func (u *upgrader) then(op string, a attrs, output string, inputs ...string) {
	u.after = append(u.after, u.make(op, a, inputs, []string{output}))
}

// become turns the current node into another, keeping its name and outputs.
func (n *Node) become(op string, a attrs, inputs ...string) {
	if a == nil {
		a = attrs{}
	}
	n.Op, n.Attributes, n.Inputs = op, a, inputs
}

// constant puts a Constant before the current node.
func (u *upgrader) constant(t tensor.Tensor) string {
	return u.add("Constant", attrs{"value": tensorAttribute(t)})
}

// ints is a constant of int64 and rank 1.
func (u *upgrader) ints(v ...int64) string { return u.constant(intsTensor(v)) }

func intsTensor(v []int64) tensor.Tensor { return tensor.From(tensor.Int64, tensor.Shape{len(v)}, v) }

// constantOf is a constant with an attribute's value, which may be a reference to one of a function's.
func (u *upgrader) constantOf(a Attribute) string {
	switch {
	case a.Kind == ReferenceAttribute && a.Int == 7: // AttributeProto.INTS
		return u.add("Constant", attrs{"value_ints": a})
	case a.Kind == ReferenceAttribute && a.Int == 1: // AttributeProto.FLOAT
		return u.add("Constant", attrs{"value_float": a})
	case a.Kind == ReferenceAttribute:
		return u.add("Constant", attrs{"value_int": a})
	case a.Kind == FloatAttribute:
		return u.constant(tensor.Scalar(tensor.Float32, a.Float))
	case a.Kind == IntAttribute:
		return u.constant(tensor.Scalar(tensor.Int64, a.Int))
	}
	return u.ints(a.Ints...)
}

// like is an attribute's number as a scalar of the type that value has.
func (u *upgrader) like(a Attribute, value string) string {
	d := u.dtype(value)
	if a.Kind == FloatAttribute && d.Known() {
		if t, ok := scalarOf(d, float64(a.Float)); ok {
			return u.constant(t)
		}
	}
	return u.add("CastLike", nil, u.constantOf(a), value)
}

// scalarOf converts a number to a scalar of a type, where that is of the common ones.
func scalarOf(d tensor.DType, v float64) (tensor.Tensor, bool) {
	switch d {
	case tensor.Float32:
		return tensor.Scalar(d, float32(v)), true
	case tensor.Float64:
		return tensor.Scalar(d, v), true
	case tensor.Float16:
		return tensor.Scalar(d, tensor.Float16Bits(float32(v))), true
	case tensor.BFloat16:
		return tensor.Scalar(d, tensor.BFloat16Bits(float32(v))), true
	case tensor.Int64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return tensor.Scalar(d, int64(v)), true
		}
	case tensor.Int32:
		if v == math.Trunc(v) && math.Abs(v) < 1<<31 {
			return tensor.Scalar(d, int32(v)), true
		}
	}
	return tensor.Tensor{}, false
}

// known is a value's content, where it is an initializer or a constant. An initializer lies in the file, so this runs within Guard.
func (u *upgrader) known(value string) (tensor.Tensor, bool) {
	for g := u; g != nil && value != ""; g = g.outer {
		if t, ok := g.contents[value]; ok {
			return t, !g.defaults[value]
		}
		if n, ok := g.made[value]; ok {
			a, ok := n.Attributes["value"]
			return a.Tensor, ok && n.Op == "Constant" && n.Domain == "" && a.Kind == TensorAttribute
		}
	}
	return tensor.Tensor{}, false
}

// input is the name of input i, "" where it is absent.
func (n *Node) input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// output is the name of output i, "" where it is absent.
func (n *Node) output(i int) string {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return ""
}

// setInput makes value input i; the inputs before it that are not there yet are absent.
func (n *Node) setInput(i int, value string) {
	inputs := make([]string, max(len(n.Inputs), i+1))
	copy(inputs, n.Inputs)
	inputs[i] = value
	n.Inputs = inputs
}

// intOr is an integer attribute, or fallback where the node doesn't state it.
func (n *Node) intOr(name string, fallback int64) int64 {
	if a, ok := n.Attributes[name]; ok && a.Kind == IntAttribute {
		return a.Int
	}
	return fallback
}

// floatOr is a float attribute, or fallback where the node doesn't state it.
func (n *Node) floatOr(name string, fallback float32) float32 {
	if a, ok := n.Attributes[name]; ok && a.Kind == FloatAttribute {
		return a.Float
	}
	return fallback
}

// need reports an error unless the node has at least n inputs, none of them absent, and an output.
func (n *Node) need(inputs int) error {
	for i := range inputs {
		if n.input(i) == "" {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	if n.output(0) == "" {
		return fmt.Errorf("output 0 is missing")
	}
	return nil
}
