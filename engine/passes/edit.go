package passes

import (
	"maps"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// editor holds a graph while a pass rewrites it: who reads each value, and which nodes are gone.
type editor struct {
	g       *graph.Graph
	readers map[*graph.Value][]*graph.Node // one entry for each time that a node reads the value
	outputs map[*graph.Value]bool
	gone    map[*graph.Node]bool
}

// weightsAtOnce is how many weights a processor takes at a time where a rewrite computes new ones.
const weightsAtOnce = 1 << 17

// rewriting makes a pass of a function that rewrites what one node begins or ends. The function is called for every node of g and of its bodies in
// order.
func rewriting(name string, rewrite func(e *editor, n *graph.Node, o Options)) Pass {
	var run func(g *graph.Graph, o Options) error
	run = func(g *graph.Graph, o Options) error {
		e := edit(g)
		for _, n := range slices.Clone(g.Nodes) {
			for _, body := range n.Bodies {
				if err := run(body, o); err != nil {
					return err
				}
			}
			if !e.gone[n] {
				rewrite(e, n, o)
			}
		}
		e.sweep()
		return nil
	}
	return Pass{Name: name, Run: run}
}

// edit opens a graph for rewriting.
func edit(g *graph.Graph) *editor {
	reads := 0
	for _, n := range g.Nodes {
		reads += len(n.Inputs)
	}
	e := &editor{g: g, readers: make(map[*graph.Value][]*graph.Node, reads), outputs: map[*graph.Value]bool{}, gone: map[*graph.Node]bool{}}
	alone := make([]*graph.Node, reads) // memory of lists of one, as most are
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v == nil {
				continue
			}
			list := e.readers[v]
			if list == nil {
				list, alone = alone[:0:1], alone[1:]
			}
			e.readers[v] = append(list, n)
		}
	}
	for _, v := range g.Outputs {
		e.outputs[v] = true
	}
	return e
}

// sweep takes the nodes that are gone out of the graph.
func (e *editor) sweep() {
	e.g.Nodes = slices.DeleteFunc(e.g.Nodes, func(n *graph.Node) bool { return e.gone[n] })
}

// reader is the only node that reads v, once; nil where there are more, or v is an output of the graph.
func (e *editor) reader(v *graph.Value) *graph.Node {
	if r := e.readers[v]; len(r) == 1 && !e.outputs[v] {
		return r[0]
	}
	return nil
}

// maker is the node that makes v for one reader alone: the one through which a pattern may be followed upwards. It is nil for inputs and constants.
func (e *editor) maker(v *graph.Value) *graph.Node {
	if v == nil || v.Producer == nil || e.gone[v.Producer] || e.reader(v) == nil {
		return nil
	}
	return v.Producer
}

// replace lets everybody who reads old read with.
func (e *editor) replace(old, with *graph.Value) {
	for _, n := range e.readers[old] {
		for i, v := range n.Inputs {
			if v == old {
				n.Inputs[i] = with
			}
		}
		e.readers[with] = append(e.readers[with], n)
	}
	delete(e.readers, old)
	for i, v := range e.g.Outputs {
		if v == old {
			e.g.Outputs[i] = with
			e.outputs[with] = true
		}
	}
	delete(e.outputs, old)
}

// remove takes a node out; it reads nothing any more.
func (e *editor) remove(n *graph.Node) {
	e.gone[n] = true
	e.read(n, nil)
}

// read gives a node other inputs.
func (e *editor) read(n *graph.Node, inputs []*graph.Value) {
	for _, v := range n.Inputs {
		if i := slices.Index(e.readers[v], n); v != nil && i >= 0 {
			e.readers[v] = slices.Delete(e.readers[v], i, i+1)
		}
	}
	n.Inputs = inputs
	for _, v := range inputs {
		if v != nil {
			e.readers[v] = append(e.readers[v], n)
		}
	}
}

// become makes n, the last node of a pattern, stand for the whole of it: it applies op to inputs, and the other nodes are gone.
func (e *editor) become(n *graph.Node, domain, op string, inputs []*graph.Value, attributes map[string]models.Attribute, others ...*graph.Node) {
	n.From = from(append(others, n)...)
	for _, o := range others {
		if o != n {
			e.remove(o)
		}
	}
	n.Domain, n.Op, n.Attributes = domain, op, attributes
	e.read(n, inputs)
}

// from joins the names of the model's nodes that some nodes stand for.
func from(nodes ...*graph.Node) []string {
	var names []string
	for _, n := range nodes {
		of := n.From
		if len(of) == 0 {
			of = []string{n.Name}
		}
		for _, name := range of {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// other is the operand of a binary node that is not v; nil where neither or both are.
func other(n *graph.Node, v *graph.Value) *graph.Value {
	switch {
	case len(n.Inputs) != 2 || n.Inputs[0] == n.Inputs[1]:
		return nil
	case n.Inputs[0] == v:
		return n.Inputs[1]
	case n.Inputs[1] == v:
		return n.Inputs[0]
	}
	return nil
}

// number is the content of v where that is one floating-point number.
func number(v *graph.Value) (float64, bool) {
	if !v.Known() || v.Const.Len() != 1 {
		return 0, false
	}
	switch c := tensor.Aligned(*v.Const); c.DType {
	case tensor.Float32:
		return float64(tensor.Data[float32](c)[0]), true
	case tensor.Float64:
		return tensor.Data[float64](c)[0], true
	case tensor.Float16:
		return float64(tensor.FromFloat16(tensor.Data[uint16](c)[0])), true
	}
	return 0, false
}

// isNumber reports whether v is a constant that is x but for the rounding of a float16 or of a formula written with few digits.
func isNumber(v *graph.Value, x float64) bool {
	c, ok := number(v)
	return ok && max(c-x, x-c) <= 1e-3*max(x, -x)
}

// constantOf makes a known value of float32 elements.
func constantOf(name string, shape tensor.Shape, data []float32) *graph.Value {
	t := tensor.From(tensor.Float32, shape, data)
	return &graph.Value{Name: name, DType: t.DType, Shape: t.Shape.Clone(), Const: &t}
}

// floats views a known value of float32 elements.
func floats(v *graph.Value) []float32 { return tensor.Data[float32](tensor.Aligned(*v.Const)) }

// withAttribute is a copy of a node's attributes with one changed; attributes may be shared between nodes.
func withAttribute(all map[string]models.Attribute, name string, a models.Attribute) map[string]models.Attribute {
	changed := maps.Clone(all)
	if changed == nil {
		changed = map[string]models.Attribute{}
	}
	changed[name] = a
	return changed
}

func floatAttribute(x float32) models.Attribute {
	return models.Attribute{Kind: models.FloatAttribute, Float: x}
}

func intAttribute(x int) models.Attribute {
	return models.Attribute{Kind: models.IntAttribute, Int: int64(x)}
}

func intsAttribute(x []int) models.Attribute {
	a := models.Attribute{Kind: models.IntsAttribute, Ints: make([]int64, len(x))}
	for i, v := range x {
		a.Ints[i] = int64(v)
	}
	return a
}

func stringAttribute(s string) models.Attribute {
	return models.Attribute{Kind: models.StringAttribute, Str: s}
}
