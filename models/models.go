// Package models reads what the user brings: an ONNX file as a Model in the newest operator dialect, checked.
// It knows nothing about running a model.
package models

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// Model is a model file as read. Its initializers may lie in the file's memory map, so nothing may use them after Close.
type Model struct {
	Path      string // as given to Load; "zoo:NAME@INPUT" for a built one
	SHA256    string // of the file, in hex
	Format    string // "onnx"
	IRVersion int
	Producer  string
	Opsets    map[string]int // operator-set version by domain, as the file states it; "" is ai.onnx
	Graph     *Graph         // upgraded to the newest dialect
	Functions []*Function    // model-local functions, not inlined
	Notes     []string       // what Load did to the model that the user should know, such as an opset that was upgraded
	upgraded  bool           // Graph is in the dialect of Dialect, whatever Opsets say
	guard     func(func() error) error
	mapped    func([]byte) bool
	release   func()
	closers   []func() error
}

// Graph is a list of nodes in an order in which every value is made before it is used.
type Graph struct {
	Name         string
	Inputs       []*Value // without those that have an initializer
	Listed       []*Value // what a file lists as inputs, where that is more: those with an initializer too
	Defaults     []*Value // those of Listed whose initializer is a default that a caller may override (see Overriding)
	Outputs      []*Value
	Values       map[string]*Value // declared types of inner values, by name; may be empty
	Nodes        []*Node
	Initializers map[string]tensor.Tensor
}

// Node applies one operator. An absent optional input or output has the name "".
type Node struct {
	Name       string // unique in its graph: the file's, or made from the operator and the node's place
	Op         string
	Domain     string // "" is ai.onnx
	Overload   string
	Inputs     []string
	Outputs    []string
	Attributes map[string]Attribute
}

// Value is a name with its declared type.
type Value struct {
	Name string
	Type Type
}

// Kind tells what a value holds.
type Kind uint8

const (
	TensorKind Kind = iota
	SparseKind
	SequenceKind
	OptionalKind
	MapKind
)

// String is the name of a kind, as in "a sequence".
func (k Kind) String() string {
	return [...]string{"tensor", "sparse tensor", "sequence", "optional", "map"}[k]
}

// Type is a value's declared type. A tensor has a DType and, where HasShape, Dims; a sequence or an optional has its Elem; a map its Key and Elem.
type Type struct {
	Kind     Kind
	DType    tensor.DType
	HasShape bool
	Dims     []Dim
	Key      tensor.DType
	Elem     *Type
}

// Dim is a dimension: a number, or a name that is bound before the model runs, or neither (Size < 0 and no name).
type Dim struct {
	Size  int
	Param string
}

// AttributeKind tells which field of an Attribute holds its value.
type AttributeKind uint8

const (
	FloatAttribute AttributeKind = iota + 1
	IntAttribute
	StringAttribute
	TensorAttribute
	GraphAttribute
	FloatsAttribute
	IntsAttribute
	StringsAttribute
	TensorsAttribute
	GraphsAttribute
	TypeAttribute
	ReferenceAttribute // of a function's body: Str names the function's attribute, Int is its AttributeProto.AttributeType
)

// Attribute is a node's constant argument.
type Attribute struct {
	Kind    AttributeKind
	Float   float32
	Int     int64
	Str     string
	Tensor  tensor.Tensor
	Graph   *Graph
	Floats  []float32
	Ints    []int64
	Strs    []string
	Tensors []tensor.Tensor
	Graphs  []*Graph
	Type    *Type
}

// Function is a model-local operator: Nodes over its own names.
type Function struct {
	Name, Domain, Overload string
	Inputs, Outputs        []string
	Attributes             []string             // names that a caller must give
	Defaults               map[string]Attribute // names that a caller may give
	Nodes                  []*Node
	Opsets                 map[string]int
}

// Close releases the model's file. The initializers must not be used afterwards.
func (m *Model) Close() error {
	var first error
	for _, c := range m.closers {
		if err := c(); err != nil && first == nil {
			first = err
		}
	}
	m.closers = nil
	return first
}

// Parameters counts the elements of the initializers and constants of the graph and its subgraphs, except single numbers and what is of int64, bool or
// string, which hold shapes, indices and masks. Weights that are quantised count like others. It reads no elements, so it needs no Guard.
func (m *Model) Parameters() int { return m.Graph.parameters() }

func (g *Graph) parameters() int {
	n := 0
	for _, t := range g.Initializers {
		n += weights(t)
	}
	for _, node := range g.Nodes {
		if a, ok := node.Attributes["value"]; ok && node.Op == "Constant" && node.Domain == "" {
			n += weights(a.Tensor)
		}
		for _, sub := range node.Subgraphs() {
			n += sub.parameters()
		}
	}
	return n
}

func weights(t tensor.Tensor) int {
	n := t.Len()
	if n == 1 || t.DType == tensor.Int64 || t.DType == tensor.Bool || t.DType == tensor.String || t.DType == tensor.Undefined {
		return 0
	}
	return n
}

// Subgraphs lists the graphs among a node's attributes, in the order of the attributes' names.
func (n *Node) Subgraphs() []*Graph {
	var subs []*Graph
	for _, name := range sortedKeys(n.Attributes) {
		a := n.Attributes[name]
		if a.Graph != nil {
			subs = append(subs, a.Graph)
		}
		subs = append(subs, a.Graphs...)
	}
	return subs
}

// String prints a type as tensor(float32)[batch,3,224,224].
func (t Type) String() string {
	switch t.Kind {
	case SequenceKind:
		return fmt.Sprintf("seq(%v)", t.Elem)
	case OptionalKind:
		return fmt.Sprintf("optional(%v)", t.Elem)
	case MapKind:
		return fmt.Sprintf("map(%v,%v)", t.Key, t.Elem)
	}
	s := fmt.Sprintf("tensor(%v)", t.DType)
	if !t.HasShape {
		return s
	}
	s += "["
	for i, d := range t.Dims {
		if i > 0 {
			s += ","
		}
		switch {
		case d.Param != "":
			s += d.Param
		case d.Size < 0:
			s += "?"
		default:
			s += fmt.Sprint(d.Size)
		}
	}
	return s + "]"
}
