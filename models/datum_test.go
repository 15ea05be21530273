package models

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// someMap is a map from words to numbers.
func someMap(words []string, numbers ...float32) Datum {
	return Datum{Kind: MapKind, Elems: []Datum{{Tensor: tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(words)}, Strings: words}}, {Tensor: floats(numbers...)}}}
}

func TestWriteDatumIsReadBack(t *testing.T) {
	numbered := Datum{Kind: MapKind, Elems: []Datum{{Tensor: intsTensor([]int64{3, 1})}, {Tensor: floats(.5, .25)}}}
	pair := Datum{Name: "pair", Kind: SequenceKind, Elems: []Datum{{Tensor: floats(1, 2)}, {Tensor: floats(3)}}}
	for why, c := range map[string]struct {
		d    Datum
		kind Kind
	}{
		"a tensor":                {Datum{Name: "t", Tensor: floats(1)}, TensorKind},
		"a sequence of tensors":   {pair, SequenceKind},
		"an empty sequence":       {Datum{Name: "s", Kind: SequenceKind}, SequenceKind},
		"an optional sequence":    {Datum{Name: "o", Kind: OptionalKind, Elems: []Datum{pair}}, OptionalKind},
		"an optional tensor":      {Datum{Kind: OptionalKind, Elems: []Datum{{Tensor: floats(4)}}}, OptionalKind},
		"an optional of no value": {Datum{Kind: OptionalKind}, OptionalKind},
		"a map of words":          {someMap([]string{"b", "a"}, 1, 2), MapKind},
		"maps in a sequence":      {Datum{Kind: SequenceKind, Elems: []Datum{numbered, someMap([]string{"a"}, 2)}}, SequenceKind},
	} {
		var b bytes.Buffer
		if err := WriteDatum(&b, c.d); err != nil {
			t.Fatal(err)
		}
		got, err := ReadDatum(b.Bytes(), Type{Kind: c.kind})
		if err != nil || !cmp.Equal(got, c.d) {
			t.Errorf("%s: got %+v, %v; want %+v", why, got, err, c.d)
		}
	}
}

func TestReadDatumRefusesMaps(t *testing.T) {
	one := func(dims ...int64) *onnx.Tensor {
		return &onnx.Tensor{DataType: onnx.Float, Dims: dims, Floats: []float32{1, 2}[:max(1, len(dims))]}
	}
	for why, p := range map[string]*onnx.Map{
		"a key without a value":   {KeyType: onnx.Int64, Keys: []int64{1}},
		"a value that is a list":  {KeyType: onnx.Int64, Keys: []int64{1}, Values: &onnx.Sequence{Tensors: []*onnx.Tensor{one(2)}}},
		"keys that are no labels": {KeyType: onnx.Int8, Keys: []int64{1}, Values: &onnx.Sequence{Tensors: []*onnx.Tensor{one()}}},
	} {
		var b bytes.Buffer
		if err := onnx.WriteMap(&b, p); err != nil {
			t.Fatal(err)
		}
		if d, err := ReadDatum(b.Bytes(), Type{Kind: MapKind}); err == nil {
			t.Errorf("%s: read as %+v", why, d)
		}
	}
}

func TestPairs(t *testing.T) {
	seq := func(d ...Datum) Datum { return Datum{Kind: SequenceKind, Elems: d} }
	for why, c := range map[string]struct {
		a, b Datum
		want string // of each pair the place and the second's first element, or the error
	}{
		"tensors":                       {Datum{Tensor: floats(1)}, Datum{Tensor: floats(2)}, "=2;"},
		"sequences":                     {seq(Datum{}, Datum{Tensor: floats(1)}), seq(Datum{Tensor: floats(3)}, Datum{Tensor: floats(4)}), "element 0=3;element 1=4;"},
		"maps of other orders":          {seq(someMap([]string{"a", "b"}, 1, 2)), seq(someMap([]string{"b", "a"}, 7, 8)), "element 0, values=8;"},
		"maps of other keys":            {someMap([]string{"a"}, 1), someMap([]string{"b"}, 1), `the key "a" is in one map alone`},
		"sequences of other lengths":    {seq(Datum{}), seq(), "1 elements and 0"},
		"an optional without its value": {Datum{Kind: OptionalKind}, Datum{Kind: OptionalKind, Elems: []Datum{{}}}, "0 elements and 1"},
		"a tensor in a map's place":     {seq(someMap(nil)), seq(Datum{}), "element 0: a map and a tensor"},
	} {
		got := ""
		if err := Pairs(c.a, c.b, func(where string, _, b tensor.Tensor) error {
			got += fmt.Sprintf("%s=%v;", where, tensor.Data[float32](b)[0])
			return nil
		}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", why, got, c.want)
		}
	}
}

func pb(t *testing.T, v ...float32) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTensor(&b, "", floats(v...)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOverriding(t *testing.T) {
	build := func(version int64) *Model {
		p := &onnx.Model{IRVersion: version, OpsetImport: []onnx.OperatorSetID{{Version: 13}}, Graph: &onnx.Graph{Name: "g",
			Inputs:       []*onnx.ValueInfo{{Name: "w", Type: &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float, Shape: &onnx.Shape{Dims: []onnx.Dimension{{Value: 2, HasValue: true}}}}}}, {Name: "x", Type: &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float}}}},
			Outputs:      []*onnx.ValueInfo{{Name: "y"}},
			Nodes:        []*onnx.Node{{OpType: "Add", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
			Initializers: []*onnx.Tensor{{Name: "w", DataType: onnx.Float, Dims: []int64{2}, Floats: []float32{1, 2}}},
		}}
		m := &Model{}
		c := converter{content: (*onnx.Tensor).Content}
		if err := c.model(p, m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := build(4)
	n, err := m.Overriding(map[string]tensor.Tensor{"w": floats(3, 4)})
	if err != nil || !cmp.Equal(n.Graph.Initializers["w"], floats(3, 4)) || !cmp.Equal(m.Graph.Initializers["w"], floats(1, 2)) {
		t.Errorf("got %v beside %v, %v", n.Graph.Initializers, m.Graph.Initializers, err)
	}
	folder := fstest.MapFS{"input_0.pb": {Data: pb(t, 5, 6)}}
	set, err := m.ReadDataSet(folder)
	if err != nil || set.Model != m || len(set.Inputs) != 1 || !cmp.Equal(set.Inputs[0].Tensor, floats(5, 6)) {
		t.Errorf("one file: %+v, %v", set, err)
	}
	folder["input_1.pb"] = &fstest.MapFile{Data: pb(t, 7, 8)}
	set, err = m.ReadDataSet(folder)
	if err != nil || len(set.Inputs) != 1 || !cmp.Equal(set.Inputs[0].Tensor, floats(7, 8)) || !cmp.Equal(set.Model.Graph.Initializers["w"], floats(5, 6)) {
		t.Errorf("two files: %+v, %v", set, err)
	}
	old := build(3)
	set, err = old.ReadDataSet(folder)
	if err != nil || len(set.Inputs) != 1 || !cmp.Equal(set.Inputs[0].Tensor, floats(7, 8)) || set.Model != old {
		t.Errorf("two files of which one is for a constant: %+v, %v", set, err)
	}
	for why, c := range map[string]struct {
		m     *Model
		given map[string]tensor.Tensor
		want  string
	}{
		"another shape":        {m, map[string]tensor.Tensor{"w": floats(3)}, `input "w" is float32 1; tensor(float32)[2] is wanted`},
		"another type":         {m, map[string]tensor.Tensor{"w": intsTensor([]int64{3, 4})}, `input "w" is int64 2; tensor(float32)[2] is wanted`},
		"no default":           {m, map[string]tensor.Tensor{"x": floats(3, 4)}, `no input "x" with a default to override; those with one are w`},
		"a file of old format": {build(3), map[string]tensor.Tensor{"w": floats(3, 4)}, `no input "w" with a default to override; those with one are none`},
	} {
		if _, err := c.m.Overriding(c.given); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", why, err, c.want)
		}
	}
}
