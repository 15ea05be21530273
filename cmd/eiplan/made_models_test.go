package main

import (
	"bytes"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/eiplan/eiplan/models/onnx"
)

// madeModels are the files that scripts make with: model NAME FILE. Each computes y from x, an image of 1x3x8x8.
var madeModels = map[string]func() *onnx.Model{
	"good":  func() *onnx.Model { return modelOf(conv(), nil) },
	"batch": func() *onnx.Model { m := modelOf(conv(), nil); m.Graph.Inputs[0] = image("x", "batch"); return m },
	"unknown-ops": func() *onnx.Model {
		return modelOf([]*onnx.Node{node("Frobnicate", "x", "a"), node("Quux", "a", "b"), node("Frobnicate", "b", "y")}, nil)
	},
	"cyclic": func() *onnx.Model {
		return modelOf([]*onnx.Node{node("Relu", "b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")}, nil)
	},
	"maps": func() *onnx.Model {
		n := node("ZipMap", "x", "y")
		n.Domain, n.Attributes = "ai.onnx.ml", []*onnx.Attribute{{Name: "classlabels_strings", Type: onnx.AttributeStrings, Strings: [][]byte{[]byte("cat"), []byte("dog")}}}
		m := modelOf([]*onnx.Node{n}, nil)
		m.OpsetImport = append(m.OpsetImport, onnx.OperatorSetID{Domain: "ai.onnx.ml", Version: 1})
		m.Graph.Inputs[0].Type.Tensor.Shape = &onnx.Shape{Dims: []onnx.Dimension{{Value: 1, HasValue: true}, {Value: 2, HasValue: true}}}
		scores := &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float}}
		m.Graph.Outputs[0].Type = &onnx.Type{Sequence: &onnx.ElementType{Elem: &onnx.Type{Map: &onnx.MapType{KeyType: onnx.String, ValueType: scores}}}}
		return m
	},
	"default": func() *onnx.Model {
		m := modelOf([]*onnx.Node{{Name: "add", OpType: "Add", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}}, floats("w", 1))
		w := image("w", "")
		w.Type.Tensor.Shape.Dims = w.Type.Tensor.Shape.Dims[:1]
		m.Graph.Inputs = append(m.Graph.Inputs, w)
		return m
	},
	"misfit":        func() *onnx.Model { return modelOf(conv(), floats("w", 4, 5, 3, 3)) },
	"outside-data":  func() *onnx.Model { return modelOf(conv(), elsewhere("../secret.bin")) },
	"missing-data":  func() *onnx.Model { return modelOf(conv(), elsewhere("weights.bin")) },
	"missing-value": func() *onnx.Model { return modelOf([]*onnx.Node{node("Relu", "nothing", "y")}, nil) },
}

func modelOf(nodes []*onnx.Node, weights *onnx.Tensor) *onnx.Model {
	if weights == nil {
		weights = floats("w", 4, 3, 3, 3)
	}
	output := image("y", "")
	output.Type.Tensor.Shape = nil
	return &onnx.Model{IRVersion: 8, OpsetImport: []onnx.OperatorSetID{{Version: 17}}, Graph: &onnx.Graph{
		Name: "made", Nodes: nodes, Initializers: []*onnx.Tensor{weights}, Inputs: []*onnx.ValueInfo{image("x", "")}, Outputs: []*onnx.ValueInfo{output},
	}}
}

func conv() []*onnx.Node {
	n := node("Conv", "x", "y")
	n.Inputs = append(n.Inputs, "w")
	return []*onnx.Node{n}
}

func node(op, input, output string) *onnx.Node {
	return &onnx.Node{Name: op + " of " + output, OpType: op, Inputs: []string{input}, Outputs: []string{output}}
}

// image is a value of 1x3x8x8, or with a named first dimension.
func image(name, batch string) *onnx.ValueInfo {
	dims := []onnx.Dimension{{Value: 1, HasValue: true}, {Value: 3, HasValue: true}, {Value: 8, HasValue: true}, {Value: 8, HasValue: true}}
	if batch != "" {
		dims[0] = onnx.Dimension{Param: batch}
	}
	return &onnx.ValueInfo{Name: name, Type: &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float, Shape: &onnx.Shape{Dims: dims}}}}
}

// floats is a tensor of ones.
func floats(name string, dims ...int64) *onnx.Tensor {
	t := &onnx.Tensor{Name: name, Dims: dims, DataType: onnx.Float}
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	for range n {
		t.Floats = append(t.Floats, 1)
	}
	return t
}

// elsewhere is a tensor whose data lie in another file.
func elsewhere(file string) *onnx.Tensor {
	return &onnx.Tensor{Name: "w", Dims: []int64{4, 3, 3, 3}, DataType: onnx.Float, IsExternal: true, External: []onnx.StringStringEntry{{Key: "location", Value: file}}}
}

// makeModel is the command of scripts that writes one of madeModels: model NAME FILE.
func makeModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || madeModels[args[0]] == nil {
		ts.Fatalf("usage: model NAME FILE")
	}
	var b bytes.Buffer
	ts.Check(onnx.WriteModel(&b, madeModels[args[0]]()))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o644))
}

// truncate is the command of scripts that keeps the first half of a file: truncate FILE.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: truncate FILE")
	}
	file := ts.MkAbs(args[0])
	info, err := os.Stat(file)
	ts.Check(err)
	ts.Check(os.Truncate(file, info.Size()/2))
}
