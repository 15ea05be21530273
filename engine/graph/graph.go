// Package graph is the engine's own form of a model: nodes joined by values that know their type, their shape and, where it is known before a run,
// their content. Passes rewrite it; ops say what its nodes mean. It knows no kernel.
package graph

import (
	"fmt"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Graph is a list of nodes in an order in which every value is made before it is used. Subgraphs of control flow are closed: what a body reads
// of the graph around it has become an input, after the operator's own.
type Graph struct {
	Name    string
	Inputs  []*Value
	Outputs []*Value
	Nodes   []*Node
}

// Value is what flows along an edge: a tensor, or where Kind says so a sequence, an optional or a map.
type Value struct {
	Name     string
	Kind     models.Kind
	DType    tensor.DType   // of what is no tensor: of the tensors in it, which for maps are the values
	Shape    tensor.Shape   // nil while the rank is unknown, and for what is no tensor; a scalar's is empty and not nil; inner dimensions may be tensor.Unknown
	Elem     Elem           // what a sequence or an optional holds, and a map's keys
	Const    *tensor.Tensor // the content, where it is known before any run
	From     *Node          // the DequantizeLinear of constants that made a known content; nil for any other
	Layout   Layout         // how a run lays the value out in memory
	Producer *Node          // nil for inputs and initializers
}

// Elem is what the elements of a sequence or an optional have in common.
type Elem struct {
	Kind  models.Kind  // TensorKind or MapKind in a sequence; TensorKind or SequenceKind, of tensors, in an optional
	Key   tensor.DType // of the keys of maps
	Shape tensor.Shape // of all tensors inside, as far as it is known before a run
}

// Layout is how the elements of a value lie in memory. The zero Layout is dense and row-major in the order of the value's shape.
// A Channels layout holds a value of logical shape N×C×H×W (or N×C×W) as N×(Top+H+Bottom)×(Left+W+Right)×Stride, channels innermost, with a
// zero border and with the channels after C zero; one of bytes has Fill in its border, and anything in those channels. The value's DType is that of its elements in memory.
type Layout struct {
	Channels                 bool
	Stride                   int  // elements from one pixel to the next: C rounded up to a multiple of 16; of bytes 4 for no more channels
	Top, Left, Bottom, Right int  // the halo, in pixels
	Fill                     byte // of bytes: what the halo holds

	// Within is the value whose memory this one's is a part of: its channels from First on, in pixels of one stride and halo. It lies in none itself.
	Within *Value
	First  int
}

// Node applies one operator.
type Node struct {
	Name       string
	Op         string
	Domain     string   // "" is ai.onnx; "eiplan" is what passes make
	Inputs     []*Value // nil where an optional input is absent
	Outputs    []*Value // nil where nobody wants an optional output
	Attributes map[string]models.Attribute
	Bodies     map[string]*Graph // then_branch, else_branch, body: the subgraphs, lowered and closed
	Captures   int               // how many of the last Inputs are there for the bodies
	From       []string          // the names of the model's nodes that this node stands for
	Precision  Precision
}

// Precision is in what numbers a node's arithmetic runs.
type Precision uint8

const (
	FP32  Precision = iota // as the model says: float32 nodes in float32
	Mixed                  // multiplications of 16-bit numbers, sums in float32
)

// SetType gives v the type and shape of w.
func (v *Value) SetType(w *Value) {
	v.Kind, v.DType, v.Shape, v.Elem = w.Kind, w.DType, w.Shape, w.Elem
}

// Declare gives v a declared type, but no shape: what a sequence or an optional holds need not have the shape that a model declares. What nests deeper than
// values can is an error.
func (v *Value) Declare(t models.Type) error {
	v.Kind, v.DType, v.Shape, v.Elem = t.Kind, t.DType, nil, Elem{Key: t.Key}
	inner := t.Elem
	switch {
	case t.Kind == models.TensorKind:
		return nil
	case inner == nil:
		return fmt.Errorf("%v is not supported", t)
	case t.Kind == models.SequenceKind && inner.Kind == models.MapKind, t.Kind == models.OptionalKind && inner.Kind == models.SequenceKind:
		v.Elem.Kind, v.Elem.Key = inner.Kind, inner.Key
		inner = inner.Elem
	}
	if inner == nil || inner.Kind != models.TensorKind {
		return fmt.Errorf("%v is not supported", t)
	}
	v.DType = inner.DType
	return nil
}

// Known reports whether v is present and its content is known before any run.
func (v *Value) Known() bool { return v != nil && v.Const != nil }

// Static reports whether v's shape is known before any run.
func (v *Value) Static() bool { return v.Shape != nil && v.Shape.Static() }

// Is reports whether n applies op of the given domain.
func (n *Node) Is(domain, op string) bool { return n.Op == op && n.Domain == domain }

// In is the i-th input, or nil where it is absent.
func (n *Node) In(i int) *Value {
	if i >= len(n.Inputs) {
		return nil
	}
	return n.Inputs[i]
}

// Int is an integer attribute, or fallback where the node does not state it.
func (n *Node) Int(name string, fallback int) int {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.IntAttribute {
		return int(a.Int)
	}
	return fallback
}

// Float is a float attribute, or fallback where the node does not state it.
func (n *Node) Float(name string, fallback float32) float32 {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.FloatAttribute {
		return a.Float
	}
	return fallback
}

// Str is a string attribute, or fallback where the node does not state it.
func (n *Node) Str(name, fallback string) string {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.StringAttribute {
		return a.Str
	}
	return fallback
}

// Ints is a list of integers, or nil where the node does not state it.
func (n *Node) Ints(name string) []int {
	a, ok := n.Attributes[name]
	if !ok || a.Kind != models.IntsAttribute {
		return nil
	}
	ints := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		ints[i] = int(v)
	}
	return ints
}
