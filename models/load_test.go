package models

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// saved writes b to a file of that name in a folder of its own.
func saved(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func written(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wide is a model with every kind of attribute and type, initializers of every element type, a function and a body.
func wide() *Model {
	m := &Model{IRVersion: 13, Producer: "test", Opsets: map[string]int{"": Dialect, "f": 1, "com.example": 3}}
	g := graphOf()
	g.Name = "wide"
	g.Inputs = []*Value{
		{Name: "x", Type: Type{DType: tensor.Float32, HasShape: true, Dims: []Dim{{Size: -1, Param: "N"}, {Size: 3}, {Size: -1}, {Size: 0}}}},
		{Name: "s", Type: Type{Kind: SequenceKind, Elem: &Type{Kind: OptionalKind, Elem: &Type{DType: tensor.Int64, HasShape: true}}}},
		{Name: "m", Type: Type{Kind: MapKind, Key: tensor.Int64, Elem: &Type{DType: tensor.Float32}}},
		{Name: "p", Type: Type{Kind: SparseKind, DType: tensor.Float32, HasShape: true, Dims: []Dim{{Size: 2}}}},
	}
	for d := tensor.Float32; d.Known(); d++ {
		v := tensor.New(d, tensor.Shape{3})
		for i := range v.Bytes {
			v.Bytes[i] = byte(i + 1)
		}
		if d == tensor.String {
			v.Strings = []string{"", "a", "ß"}
		}
		g.Initializers["w_"+d.String()] = v
	}
	g.Initializers["none"] = tensor.New(tensor.Float32, tensor.Shape{0, 2})
	g.Values["y"] = &Value{Name: "y", Type: Type{DType: tensor.Float32}}
	n := apply("Wide", "y", "x", "", "w_int4")
	n.Domain, n.Overload = "com.example", "o"
	n.Attributes = attrs{
		"float": floatAttribute(0), "int": intAttribute(0), "string": stringAttribute(""), "floats": {Kind: FloatsAttribute, Floats: []float32{1}},
		"ints": intsAttribute(-1), "strings": {Kind: StringsAttribute, Strs: []string{"", "b"}}, "tensor": tensorAttribute(floats(1, 2)),
		"tensors": {Kind: TensorsAttribute, Tensors: []tensor.Tensor{floats(3)}}, "graph": body("t", apply("Relu", "t", "x")),
		"graphs": {Kind: GraphsAttribute, Graphs: []*Graph{body("t", apply("Relu", "t", "x")).Graph}}, "type": {Kind: TypeAttribute, Type: &Type{DType: tensor.Bool}},
	}
	n.Attributes["graph"].Graph.Name, n.Attributes["graphs"].Graphs[0].Name = "body", "body"
	g.Nodes = []*Node{n, {Name: "call", Op: "F", Domain: "f", Inputs: []string{"y"}, Outputs: []string{"z"}, Attributes: attrs{}}}
	m.Graph = g
	m.Functions = []*Function{{
		Name: "F", Domain: "f", Inputs: []string{"p"}, Outputs: []string{"q"}, Attributes: []string{"need"}, Defaults: attrs{"may": floatAttribute(2)},
		Opsets: map[string]int{"": Dialect},
		Nodes:  []*Node{{Name: "elu", Op: "Elu", Inputs: []string{"p"}, Outputs: []string{"q"}, Attributes: attrs{"alpha": {Kind: ReferenceAttribute, Str: "may", Int: 1}}}},
	}}
	return m
}

func TestWriteAndLoad(t *testing.T) {
	want := wide()
	b := written(t, want)
	got, err := Load(saved(t, "wide.onnx", b))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	ignore := []cmp.Option{cmpopts.IgnoreUnexported(Model{}), cmpopts.IgnoreFields(Model{}, "Path", "SHA256", "Format"), cmpopts.EquateEmpty()}
	if d := cmp.Diff(want, got, ignore...); d != "" {
		t.Errorf("written and loaded:\n%s", d)
	}
	if !bytes.Equal(b, written(t, got)) {
		t.Error("what was loaded is written as other bytes")
	}
	if got.Parameters() != 3*(26-3) { // of 26 types all but int64, bool and string
		t.Errorf("%d parameters", got.Parameters())
	}
}

func TestWriteStatesTheDialectOfAnUpgradedModel(t *testing.T) {
	c := upgradeCase{opset: 9, op: "Slice", in: []string{"x"}, attrs: attrs{"starts": intsAttribute(1), "ends": intsAttribute(2)}}
	m := c.model()
	m.IRVersion = 3
	if err := Upgrade(m); err != nil {
		t.Fatal(err)
	}
	p, err := onnx.ReadModel(written(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if p.OpsetImport[0].Version != Dialect || p.IRVersion < 10 || m.Opsets[""] != 9 {
		t.Errorf("opset %d, IR version %d; the model states %d", p.OpsetImport[0].Version, p.IRVersion, m.Opsets[""])
	}
}

func TestConversionNamesNodesAndFindsInputs(t *testing.T) {
	info := func(name string) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float}}}
	}
	relu := func(name, in, out string) *onnx.Node {
		return &onnx.Node{Name: name, OpType: "Relu", Inputs: []string{in}, Outputs: []string{out}, Domain: "ai.onnx"}
	}
	p := &onnx.Model{IRVersion: 3, OpsetImport: []onnx.OperatorSetID{{Domain: "ai.onnx", Version: 8}, {Domain: "", Version: 7}}, Graph: &onnx.Graph{
		Inputs: []*onnx.ValueInfo{info("x"), info("w")}, Outputs: []*onnx.ValueInfo{info("d")},
		Initializers: []*onnx.Tensor{{Name: "w", DataType: onnx.Float, Dims: []int64{1}, Floats: []float32{1}}},
		Nodes:        []*onnx.Node{relu("", "x", "a"), relu("n", "a", "b"), relu("n", "b", "c"), relu("Relu_0", "c", "d")},
	}}
	var b bytes.Buffer
	if err := onnx.WriteModel(&b, p); err != nil {
		t.Fatal(err)
	}
	m, err := Load(saved(t, "m.onnx", b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var names []string
	for _, n := range m.Graph.Nodes {
		names = append(names, n.Name+":"+n.Domain)
	}
	if got := strings.Join(names, " "); got != "Relu_0: n: n_1: Relu_0_1:" {
		t.Errorf("names %s", got)
	}
	if len(m.Graph.Inputs) != 1 || m.Graph.Inputs[0].Name != "x" || m.Opsets[""] != 8 {
		t.Errorf("inputs %v, opsets %v", m.Graph.Inputs, m.Opsets)
	}
}

// TestRepeatedConstants: ONNX Runtime takes the last, and so did the outputs that were recorded of such files.
func TestRepeatedConstants(t *testing.T) {
	constant := func(v int64) *Node {
		return &Node{Name: fmt.Sprint("c", v), Op: "Constant", Outputs: []string{"c"}, Attributes: attrs{"value": tensorAttribute(intsTensor([]int64{v}))}}
	}
	m, err := Load(saved(t, "m.onnx", written(t, &Model{Graph: graphOf(constant(1), apply("Reshape", "y", "x", "c"), constant(2)), Opsets: map[string]int{"": 18}})))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, want := printed(m.Graph.Nodes), "c = Constant() {value=1:int64[2]}\ny = Reshape(x, c)\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(m.Notes) != 2 || !strings.Contains(m.Notes[0], "1 constants are there more than once") {
		t.Errorf("notes %q", m.Notes)
	}
}

// TestRepeatedInitializers is TestRepeatedConstants for initializers: files that ONNX Runtime's optimizer wrote have such.
func TestRepeatedInitializers(t *testing.T) {
	one := func(v float32) *onnx.Tensor {
		return &onnx.Tensor{Name: "w", DataType: onnx.Float, Dims: []int64{1}, Floats: []float32{v}}
	}
	p := &onnx.Model{IRVersion: 8, OpsetImport: []onnx.OperatorSetID{{Version: 18}}, Graph: &onnx.Graph{
		Initializers: []*onnx.Tensor{one(1), one(2)}, Nodes: []*onnx.Node{{OpType: "Relu", Inputs: []string{"w"}, Outputs: []string{"y"}}},
		Outputs: []*onnx.ValueInfo{{Name: "y", Type: &onnx.Type{Tensor: &onnx.TensorType{ElemType: onnx.Float}}}},
	}}
	var b bytes.Buffer
	if err := onnx.WriteModel(&b, p); err != nil {
		t.Fatal(err)
	}
	m, err := Load(saved(t, "m.onnx", b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := tensor.Data[float32](m.Graph.Initializers["w"]); got[0] != 2 {
		t.Errorf("w is %v, want the last", got)
	}
	if len(m.Notes) == 0 || !strings.Contains(m.Notes[0], "1 constants are there more than once") {
		t.Errorf("notes %q", m.Notes)
	}
}

func TestSparseInitializerBecomesDense(t *testing.T) {
	sparse := func(dims, form []int64, at ...int64) *onnx.SparseTensor {
		return &onnx.SparseTensor{
			Values:  &onnx.Tensor{Name: "w", DataType: onnx.Float, Dims: []int64{2}, Floats: []float32{5, 6}},
			Indices: &onnx.Tensor{DataType: onnx.Int64, Dims: form, Int64s: at}, Dims: dims,
		}
	}
	for _, c := range []struct {
		why  string
		s    *onnx.SparseTensor
		want string
	}{
		{"flat places", sparse([]int64{2, 3}, []int64{2}, 1, 5), "[0 5 0 0 0 6]"},
		{"places by dimension", sparse([]int64{2, 3}, []int64{2, 2}, 0, 2, 1, 0), "[0 0 5 6 0 0]"},
		{"a place outside", sparse([]int64{2, 3}, []int64{2}, 1, 6), "index 6 of value 1 is outside shape 2x3"},
		{"too few places", sparse([]int64{2, 3}, []int64{1}, 1), "indices of shape 1 for 2 values of shape 2x3"},
		{"too large", sparse([]int64{1 << 40}, []int64{2}, 0, 1), "a sparse tensor of more than"},
	} {
		v, name, err := (&converter{content: (*onnx.Tensor).Content}).sparse(c.s)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(tensor.Data[float32](v))
		}
		if !strings.Contains(got, c.want) || name != "w" {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

func zipped(t *testing.T, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create(name); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadRefuses(t *testing.T) {
	model := written(t, wide())
	for _, c := range []struct {
		why, name string
		b         []byte
		want      string // within the error
	}{
		{"an empty file", "m.onnx", nil, "the file is empty"},
		{"a truncated file", "m.onnx", model[:len(model)*2/3], "not an ONNX model, or a damaged one: "},
		{"another protocol buffer", "m.onnx", []byte{0x08, 0x01}, "it has no graph"},
		{"text", "m.onnx", []byte("hello, world"), "not an ONNX model, or a damaged one: at byte 2: "},
		{"a PNG named .onnx", "m.onnx", []byte("\x89PNG\r\n\x1a\n....."), "a PNG image, not an ONNX model"},
		{"a JPEG", "m.onnx", []byte("\xff\xd8\xff\xe0"), "a JPEG image"},
		{"a web page", "m.onnx", []byte("\n<!DOCTYPE html><html>"), "a web page, not an ONNX model; convert it: download"},
		{"a Git LFS pointer", "m.onnx", []byte("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
		{"a PyTorch checkpoint", "m.pt", zipped(t, "archive/data.pkl"), "a PyTorch checkpoint, not an ONNX model; convert it: in Python, torch.onnx.export"},
		{"an old PyTorch checkpoint", "m.pth", []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "torch.onnx.export"},
		{"TorchScript", "m.pt", zipped(t, "archive/constants.pkl"), "a TorchScript model"},
		{"a Keras archive", "m.keras", zipped(t, "model.weights.h5"), "python -m tf2onnx.convert --saved-model"},
		{"another zip archive", "m.onnx", zipped(t, "readme"), "a zip archive, not an ONNX model"},
		{"Keras HDF5", "m.h5", []byte("\x89HDF\r\n\x1a\n\x00"), "a Keras HDF5 model"},
		{"TensorFlow Lite", "m.tflite", []byte("\x1c\x00\x00\x00TFL3"), "python -m tf2onnx.convert --tflite"},
		{"a SavedModel's file", "saved_model.pb", []byte{0x08, 0x01, 0x12, 0x90, 0x4e, 0x0a, 0x02, 0x12, 0x00}, "python -m tf2onnx.convert --saved-model"},
		{"a frozen graph", "frozen.pb", []byte("\x0a\x14\x0a\x01x\x12\x0bPlaceholder"), "python -m tf2onnx.convert --graphdef"},
		{"a TensorFlow graph by its name", "graph.pb", []byte("\xff\xff"), "python -m tf2onnx.convert --graphdef"},
		{"GGUF", "m.gguf", []byte("GGUF\x03\x00\x00\x00"), "optimum-cli export onnx"},
		{"safetensors", "m.safetensors", []byte("\x10\x00\x00\x00\x00\x00\x00\x00{\"a\":{}}"), "optimum-cli export onnx"},
		{"an MXNet symbol file", "r-symbol.json", []byte(`{"nodes": [{"op": "null"}], "arg_nodes": []}`), "mxnet.onnx.export_model"},
		{"MXNet parameters", "r-0000.params", []byte("\x12\x01\x00\x00\x00\x00\x00\x00\x00"), "mxnet.onnx.export_model"},
		{"Core ML", "m.mlmodel", []byte{0x08, 0x01, 0x12, 0x02, 0x0a, 0x00}, "onnxmltools.convert_coreml"},
		{"PaddlePaddle", "inference.pdmodel", []byte{0x0a, 0x04, 0x08, 0x00, 0x10, 0xff}, "paddle2onnx"},
		{"ONNX Runtime's format", "m.ort", []byte("\x1c\x00\x00\x00ORTM"), "ONNX Runtime's own format"},
		{"JSON", "m.onnx", []byte(`{"irVersion": "8"}`), "a JSON file"},
	} {
		t.Run(c.why, func(t *testing.T) {
			path := saved(t, c.name, c.b)
			_, err := Load(path)
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestLoadRefusesFolders(t *testing.T) {
	for name, want := range map[string]string{
		"saved_model.pb": "a TensorFlow SavedModel", "config.json": "optimum-cli export onnx", "some.onnx": "the model in it is", "readme": "a folder, not an ONNX model",
	} {
		if _, err := Load(filepath.Dir(saved(t, name, nil))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a folder with %s: error %v, want %s", name, err, want)
		}
	}
}

// TestLoadOfEveryPrefix: no prefix of a file makes Load panic.
func TestLoadOfEveryPrefix(t *testing.T) {
	b := written(t, wide())
	path := saved(t, "m.onnx", nil)
	for n := range b {
		if err := os.WriteFile(path, b[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if m, err := Load(path); err == nil {
			m.Close()
		}
	}
}

func TestExternalDataThatLeaveTheFolder(t *testing.T) {
	for location, want := range map[string]string{
		"../secret": `initializer "w": external data "../secret": the path leaves the model's folder`, "gone.bin": `initializer "w": external data "gone.bin": the file is missing from`,
	} {
		p := &onnx.Model{IRVersion: 8, OpsetImport: []onnx.OperatorSetID{{Version: 17}}, Graph: &onnx.Graph{Initializers: []*onnx.Tensor{{
			Name: "w", DataType: onnx.Float, Dims: []int64{1}, IsExternal: true, External: []onnx.StringStringEntry{{Key: "location", Value: location}},
		}}}}
		var b bytes.Buffer
		if err := onnx.WriteModel(&b, p); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(saved(t, "m.onnx", b.Bytes())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestGuardFindsAShortenedFile(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("SKIPPED: files are not mapped on this system")
	}
	g := graphOf(apply("Add", "y", "x", "w"))
	g.Initializers["w"] = tensor.New(tensor.Uint8, tensor.Shape{1 << 20})
	path := saved(t, "m.onnx", written(t, &Model{Graph: g, Opsets: map[string]int{"": 18}}))
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	err = m.Guard(func() error { m.Graph.Initializers["w"].Clone(); return nil })
	if err == nil || !strings.Contains(err.Error(), "m.onnx: the file shrank from") {
		t.Errorf("error %v", err)
	}
	if err := (&Model{}).Guard(func() error { return fs.ErrClosed }); err != fs.ErrClosed {
		t.Errorf("without a file: %v", err)
	}
}

func TestReadDatum(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTensor(&b, "in", floats(1, 2)); err != nil {
		t.Fatal(err)
	}
	name, v, err := ReadTensor(b.Bytes())
	if err != nil || name != "in" || !cmp.Equal(v, floats(1, 2)) {
		t.Errorf("%q %v, %v", name, v, err)
	}
	var sb bytes.Buffer
	one := &onnx.Tensor{DataType: onnx.Int64, Dims: []int64{1}, Int64s: []int64{4}}
	if err := onnx.WriteOptional(&sb, &onnx.Optional{Name: "o", ElemType: onnx.ElemSequence, Sequence: &onnx.Sequence{ElemType: onnx.ElemTensor, Tensors: []*onnx.Tensor{one, one}}}); err != nil {
		t.Fatal(err)
	}
	d, err := ReadDatum(sb.Bytes(), Type{Kind: OptionalKind})
	if err != nil || d.Name != "o" || len(d.Elems) != 1 || len(d.Elems[0].Elems) != 2 || !cmp.Equal(d.Elems[0].Elems[1].Tensor, intsTensor([]int64{4})) {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := ReadDatum(b.Bytes(), Type{Kind: SparseKind}); err == nil {
		t.Error("a sparse tensor was read")
	}
}

// FuzzLoad: whatever a file holds, loading and upgrading it doesn't panic, and what comes of it passes Check again and can be written.
func FuzzLoad(f *testing.F) {
	f.Add(written(f, wide()))
	for _, c := range upgradeCases {
		m := c.model()
		f.Add(written(f, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := onnx.ReadModel(b)
		if err != nil {
			return
		}
		m := &Model{}
		c := converter{content: (*onnx.Tensor).Content}
		if c.model(p, m) != nil || Check(m) != nil || Upgrade(m) != nil {
			return
		}
		if err := Check(m); err != nil {
			t.Fatalf("after the upgrade: %v", err)
		}
		written(t, m)
	})
}

// TestRelease reads an initializer whose memory was let go of.
func TestRelease(t *testing.T) {
	g := graphOf(apply("Add", "y", "x", "w"))
	w := tensor.New(tensor.Uint8, tensor.Shape{1 << 20})
	for i := range w.Bytes {
		w.Bytes[i] = byte(i >> 4)
	}
	g.Initializers["w"] = w
	m, err := Load(saved(t, "m.onnx", written(t, &Model{Graph: g, Opsets: map[string]int{"": 18}})))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Release()
	err = m.Guard(func() error {
		if !bytes.Equal(m.Graph.Initializers["w"].Bytes, w.Bytes) {
			t.Error("the bytes are not what they were")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	(&Model{}).Release()
}
