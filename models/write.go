package models

import (
	"fmt"
	"io"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// Write writes m as an ONNX file: the same model gives the same bytes. Its nodes are taken to be of the versions that m.Opsets states, except
// that a model that was upgraded states Dialect. An IRVersion of 0 becomes the oldest that holds the stated version of ai.onnx.
// The weights are handed to w without a copy of them being made; all of the file must be less than 2 GiB.
func Write(w io.Writer, m *Model) error {
	p := &onnx.Model{IRVersion: int64(m.IRVersion), ProducerName: m.Producer, Graph: graphProto(m.Graph)}
	versions := m.Opsets
	if m.upgraded {
		versions = dialectOpsets(m.Opsets)
	}
	p.OpsetImport = opsetProtos(versions)
	if oldest := irVersion(versions[""]); p.IRVersion == 0 || m.upgraded && p.IRVersion < oldest {
		p.IRVersion = oldest
	}
	for _, f := range m.Functions {
		p.Functions = append(p.Functions, functionProto(f))
	}
	return onnx.WriteModel(w, p)
}

// irVersion is the version of the file format that first held a version of ai.onnx (docs/Versioning.md of onnx/onnx); 3 is the first that
// imports operator sets.
func irVersion(opset int) int64 {
	since := []int{3: 1, 4: 9, 5: 10, 6: 11, 7: 12, 8: 15, 9: 19, 10: 21, 11: 23, 12: 24, 13: 25}
	for v := len(since) - 1; v > 3; v-- {
		if opset >= since[v] {
			return int64(v)
		}
	}
	return 3
}

func opsetProtos(versions map[string]int) []onnx.OperatorSetID {
	var list []onnx.OperatorSetID
	for _, d := range sortedKeys(versions) {
		list = append(list, onnx.OperatorSetID{Domain: d, Version: int64(versions[d])})
	}
	return list
}

func graphProto(g *Graph) *onnx.Graph {
	p := &onnx.Graph{Name: g.Name, Nodes: nodeProtos(g.Nodes), Inputs: valueProtos(g.Inputs), Outputs: valueProtos(g.Outputs)}
	if p.Name == "" {
		p.Name = "graph" // readers demand one
	}
	for _, name := range sortedKeys(g.Initializers) {
		p.Initializers = append(p.Initializers, tensorProto(name, g.Initializers[name]))
	}
	for _, name := range sortedKeys(g.Values) {
		p.ValueInfo = append(p.ValueInfo, valueProto(g.Values[name]))
	}
	return p
}

func nodeProtos(nodes []*Node) []*onnx.Node {
	list := make([]*onnx.Node, len(nodes))
	for i, n := range nodes {
		list[i] = &onnx.Node{
			Name: n.Name, OpType: n.Op, Domain: n.Domain, Overload: n.Overload, Inputs: n.Inputs, Outputs: n.Outputs,
			Attributes: attributeProtos(n.Attributes),
		}
	}
	return list
}

func attributeProtos(attributes map[string]Attribute) []*onnx.Attribute {
	var list []*onnx.Attribute
	for _, name := range sortedKeys(attributes) {
		a := attributeProto(attributes[name])
		a.Name = name
		list = append(list, a)
	}
	return list
}

func attributeProto(a Attribute) *onnx.Attribute {
	switch a.Kind {
	case FloatAttribute:
		return &onnx.Attribute{Type: onnx.AttributeFloat, F: a.Float}
	case IntAttribute:
		return &onnx.Attribute{Type: onnx.AttributeInt, I: a.Int}
	case StringAttribute:
		return &onnx.Attribute{Type: onnx.AttributeString, S: []byte(a.Str)}
	case FloatsAttribute:
		return &onnx.Attribute{Type: onnx.AttributeFloats, Floats: a.Floats}
	case IntsAttribute:
		return &onnx.Attribute{Type: onnx.AttributeInts, Ints: a.Ints}
	case StringsAttribute:
		return &onnx.Attribute{Type: onnx.AttributeStrings, Strings: byteses(a.Strs)}
	case TensorAttribute:
		return &onnx.Attribute{Type: onnx.AttributeTensor, T: tensorProto("", a.Tensor)}
	case TensorsAttribute:
		p := &onnx.Attribute{Type: onnx.AttributeTensors}
		for _, t := range a.Tensors {
			p.Tensors = append(p.Tensors, tensorProto("", t))
		}
		return p
	case GraphAttribute:
		return &onnx.Attribute{Type: onnx.AttributeGraph, G: graphProto(a.Graph)}
	case GraphsAttribute:
		p := &onnx.Attribute{Type: onnx.AttributeGraphs}
		for _, g := range a.Graphs {
			p.Graphs = append(p.Graphs, graphProto(g))
		}
		return p
	case TypeAttribute:
		return &onnx.Attribute{Type: onnx.AttributeTypeProto, TP: typeProto(*a.Type)}
	case ReferenceAttribute:
		return &onnx.Attribute{Type: onnx.AttributeType(a.Int), RefAttrName: a.Str}
	}
	panic(fmt.Sprintf("models: an attribute of kind %d", a.Kind))
}

func byteses(texts []string) [][]byte {
	list := make([][]byte, len(texts))
	for i, s := range texts {
		list[i] = []byte(s)
	}
	return list
}

func tensorProto(name string, t tensor.Tensor) *onnx.Tensor {
	p := &onnx.Tensor{Name: name, DataType: onnx.DataType(t.DType), Dims: make([]int64, len(t.Shape))}
	for i, d := range t.Shape {
		p.Dims[i] = int64(d)
	}
	if t.DType == tensor.String {
		p.Strings = byteses(t.Strings)
	} else {
		p.Raw = t.Bytes
		if p.Raw == nil {
			p.Raw = []byte{} // an empty tensor has raw data too
		}
	}
	return p
}

func functionProto(f *Function) *onnx.Function {
	return &onnx.Function{
		Name: f.Name, Domain: f.Domain, Overload: f.Overload, Inputs: f.Inputs, Outputs: f.Outputs, Attributes: f.Attributes,
		AttributeDefaults: attributeProtos(f.Defaults), Nodes: nodeProtos(f.Nodes), OpsetImport: opsetProtos(f.Opsets),
	}
}

func valueProtos(values []*Value) []*onnx.ValueInfo {
	list := make([]*onnx.ValueInfo, len(values))
	for i, v := range values {
		list[i] = valueProto(v)
	}
	return list
}

func valueProto(v *Value) *onnx.ValueInfo {
	return &onnx.ValueInfo{Name: v.Name, Type: typeProto(v.Type)}
}

// typeProto is nil for a type that is not known at all.
func typeProto(t Type) *onnx.Type {
	element := func() *onnx.ElementType { return &onnx.ElementType{Elem: typeProto(*t.Elem)} }
	switch t.Kind {
	case SequenceKind:
		return &onnx.Type{Sequence: element()}
	case OptionalKind:
		return &onnx.Type{Optional: element()}
	case MapKind:
		return &onnx.Type{Map: &onnx.MapType{KeyType: onnx.DataType(t.Key), ValueType: typeProto(*t.Elem)}}
	case SparseKind:
		return &onnx.Type{SparseTensor: tensorTypeProto(t)}
	}
	if t.DType == tensor.Undefined && !t.HasShape {
		return nil
	}
	return &onnx.Type{Tensor: tensorTypeProto(t)}
}

func tensorTypeProto(t Type) *onnx.TensorType {
	p := &onnx.TensorType{ElemType: onnx.DataType(t.DType)}
	if t.HasShape {
		p.Shape = &onnx.Shape{Dims: make([]onnx.Dimension, len(t.Dims))}
	}
	for i, d := range t.Dims {
		p.Shape.Dims[i] = onnx.Dimension{Param: d.Param}
		if d.Param == "" && d.Size >= 0 {
			p.Shape.Dims[i] = onnx.Dimension{Value: int64(d.Size), HasValue: true}
		}
	}
	return p
}
