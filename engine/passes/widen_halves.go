package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// widenHalves lets a model of float16 or bfloat16 run in float32, as its arithmetic does anyway, and converts at its borders alone:
//
//	x:float16 → op → op → y:float16  →  x:float16 → Cast → op → op → Cast → y:float16
var widenHalves = Pass{Name: "widen halves", Run: func(g *graph.Graph, _ Options) error {
	if !widenable(g) {
		return nil
	}
	var first, last []*graph.Node
	e := edit(g)
	for _, v := range g.Inputs {
		if half(v.DType) {
			n := castNode(v.Name+".wide", tensor.Float32, v)
			e.replace(v, n.Outputs[0])
			e.read(n, []*graph.Value{v})
			first = append(first, n)
		}
	}
	inputs := slices.Clone(g.Inputs)
	g.Inputs = nil // they keep their types
	outputs := make([]tensor.DType, len(g.Outputs))
	for i, v := range g.Outputs {
		outputs[i] = v.DType
		if v.Producer != nil && slices.Contains(first, v.Producer) {
			outputs[i] = v.Producer.Inputs[0].DType
		}
	}
	widenValues(g, map[*graph.Value]*graph.Value{})
	for i, v := range g.Outputs {
		if half(outputs[i]) {
			n := castNode(v.Name+".half", outputs[i], v)
			g.Outputs[i] = n.Outputs[0]
			last = append(last, n)
		}
	}
	g.Inputs = inputs
	g.Nodes = append(append(first, g.Nodes...), last...)
	return nil
}}

func half(d tensor.DType) bool { return d == tensor.Float16 || d == tensor.BFloat16 }

// castNode makes a Cast of v.
func castNode(name string, to tensor.DType, v *graph.Value) *graph.Node {
	out := &graph.Value{Name: name, DType: to, Shape: v.Shape}
	n := &graph.Node{Name: name, Op: "Cast", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{out},
		Attributes: map[string]models.Attribute{"to": intAttribute(int(to))}}
	out.Producer = n
	return n
}

// bitwise lists operators to which the storage of their input matters.
var bitwise = []string{"BitCast", "QuantizeLinear", "DequantizeLinear"}

// widenable reports whether a graph has 16-bit values, none of them in a sequence or an optional, and nothing to which it matters that they have 16 bits.
func widenable(g *graph.Graph) bool {
	found, needed := halvesIn(g)
	return found && !needed
}

// halvesIn reports whether a graph or its bodies have 16-bit values, and whether anything needs them to have 16 bits.
func halvesIn(g *graph.Graph) (found, needed bool) {
	look := func(values []*graph.Value) {
		for _, v := range values {
			if v != nil && half(v.DType) {
				found, needed = true, needed || v.Kind != models.TensorKind
			}
		}
	}
	look(g.Inputs)
	look(g.Outputs)
	for _, n := range g.Nodes {
		needed = needed || slices.Contains(bitwise, n.Op)
		look(n.Inputs)
		look(n.Outputs)
		for _, body := range n.Bodies {
			f, b := halvesIn(body)
			found, needed = found || f, needed || b
		}
	}
	return found, needed
}

// widenValues makes float32 of every 16-bit value of a graph and of its bodies; wide holds the constants that are widened already.
func widenValues(g *graph.Graph, wide map[*graph.Value]*graph.Value) {
	for _, v := range g.Inputs {
		widenValue(v)
	}
	for _, n := range g.Nodes {
		for i, v := range n.Inputs {
			if v == nil || !half(v.DType) {
				continue
			}
			if v.Const == nil {
				widenValue(v)
				continue
			}
			if wide[v] == nil {
				wide[v] = constantOf(v.Name, v.Shape.Clone(), ops.Float32s(*v.Const))
			}
			n.Inputs[i] = wide[v]
		}
		for _, v := range n.Outputs {
			widenValue(v)
		}
		widenAttributes(n)
		for _, body := range n.Bodies {
			widenValues(body, wide)
		}
	}
	for i, v := range g.Outputs {
		if v.Const != nil && half(v.DType) {
			g.Outputs[i] = constantOf(v.Name, v.Shape.Clone(), ops.Float32s(*v.Const))
		}
	}
}

// widenAttributes makes float32 of the 16-bit types that a node's attributes name, and of the tensor that ConstantOfShape repeats.
func widenAttributes(n *graph.Node) {
	for _, name := range []string{"to", "dtype", "output_dtype", "output_datatype"} {
		if a, ok := n.Attributes[name]; ok && half(tensor.DType(a.Int)) {
			n.Attributes = withAttribute(n.Attributes, name, intAttribute(int(tensor.Float32)))
		}
	}
	if a, ok := n.Attributes["value"]; ok && half(a.Tensor.DType) {
		a.Tensor = tensor.From(tensor.Float32, a.Tensor.Shape, ops.Float32s(a.Tensor))
		n.Attributes = withAttribute(n.Attributes, "value", a)
	}
}

func widenValue(v *graph.Value) {
	if v != nil && half(v.DType) && v.Const == nil {
		v.DType = tensor.Float32
	}
}
