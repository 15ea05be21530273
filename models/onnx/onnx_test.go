package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// everything is a model with each field of each message set.
func everything() *Model {
	meta := []StringStringEntry{{"k", "v"}}
	tensor := func(name string) *Tensor {
		return &Tensor{
			Name: name, Dims: []int64{1, -1 << 62}, DataType: Float, Segment: &Segment{1, 2}, Floats: []float32{1, -2}, Int32s: []int32{-1, 3},
			Strings: [][]byte{[]byte("s"), {}}, Int64s: []int64{-5, 6}, Doubles: []float64{.5}, Uint64s: []uint64{1 << 63}, Raw: []byte("raw"),
			External: meta, IsExternal: true, DocString: "d", Metadata: meta,
		}
	}
	sparse := &SparseTensor{Values: tensor("v"), Indices: tensor("i"), Dims: []int64{3}}
	deep := &Type{Sequence: &ElementType{&Type{Optional: &ElementType{&Type{Map: &MapType{Int64, &Type{Tensor: &TensorType{ElemType: Float}}}}}}}}
	info := func(name string, t *Type) *ValueInfo {
		return &ValueInfo{Name: name, Type: t, DocString: "d", Metadata: meta}
	}
	shaped := &Type{Denotation: "den", Tensor: &TensorType{Float, &Shape{[]Dimension{{Value: 0, HasValue: true}, {Param: "N"}, {Denotation: "x"}, {Value: 7, HasValue: true}}}}}
	attribute := func(a Attribute) *Attribute {
		a.Name, a.DocString = "a", "d"
		return &a
	}
	node := &Node{
		Inputs: []string{"x", "", "z"}, Outputs: []string{"y"}, Name: "n", OpType: "Op", Domain: "dom", Overload: "o", DocString: "d", Metadata: meta,
		Attributes: []*Attribute{
			attribute(Attribute{Type: AttributeFloat, F: 0}), attribute(Attribute{Type: AttributeInt, I: 0}), attribute(Attribute{Type: AttributeString, S: []byte{}}),
			attribute(Attribute{Type: AttributeInt, I: -3}), attribute(Attribute{Type: AttributeTensor, T: tensor("t")}),
			attribute(Attribute{Type: AttributeGraph, G: &Graph{Name: "inner", Nodes: []*Node{{OpType: "In"}}}}),
			attribute(Attribute{Type: AttributeFloats, Floats: []float32{0, 1}}), attribute(Attribute{Type: AttributeInts, Ints: []int64{0, -1}}),
			attribute(Attribute{Type: AttributeStrings, Strings: [][]byte{{}, []byte("b")}}), attribute(Attribute{Type: AttributeTensors, Tensors: []*Tensor{tensor("u")}}),
			attribute(Attribute{Type: AttributeGraphs, Graphs: []*Graph{{Name: "g"}}}), attribute(Attribute{Type: AttributeSparseTensor, SparseTensor: sparse}),
			attribute(Attribute{Type: AttributeSparseTensors, SparseTensors: []*SparseTensor{sparse}}), attribute(Attribute{Type: AttributeTypeProto, TP: shaped}),
			attribute(Attribute{Type: AttributeTypeProtos, TypeProtos: []*Type{deep}}), attribute(Attribute{Type: AttributeInts, RefAttrName: "r"}),
		},
	}
	return &Model{
		IRVersion: 10, OpsetImport: []OperatorSetID{{"", 21}, {"d", 1}}, ProducerName: "p", ProducerVersion: "1", Domain: "md", ModelVersion: -1, DocString: "doc", Metadata: meta,
		Graph: &Graph{
			Name: "g", Nodes: []*Node{node}, Initializers: []*Tensor{tensor("w")}, SparseInitializers: []*SparseTensor{sparse}, DocString: "d",
			Inputs: []*ValueInfo{info("x", shaped), info("q", nil)}, Outputs: []*ValueInfo{info("y", deep)},
			ValueInfo: []*ValueInfo{
				info("o", &Type{Opaque: &OpaqueType{"od", "on"}}), info("s", &Type{SparseTensor: &TensorType{Int8, &Shape{}}}),
			}, Metadata: meta,
		},
		Functions: []*Function{{
			Name: "f", Domain: "fd", Overload: "fo", Inputs: []string{"a"}, Outputs: []string{"b"}, Attributes: []string{"c"},
			AttributeDefaults: []*Attribute{attribute(Attribute{Type: AttributeFloat, F: 2})}, Nodes: []*Node{node}, DocString: "d",
			OpsetImport: []OperatorSetID{{"", 18}}, ValueInfo: []*ValueInfo{info("a", nil)}, Metadata: meta,
		}},
	}
}

func encoded(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteModel(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	want := everything()
	b := encoded(t, want)
	got, err := ReadModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("written and read back:\n%s", d)
	}
	if !bytes.Equal(b, encoded(t, got)) {
		t.Error("the same model gave other bytes")
	}
}

func TestRoundTripOfTestData(t *testing.T) {
	tensor := func(name string) *Tensor {
		return &Tensor{Name: name, DataType: Int8, Dims: []int64{2}, Raw: []byte{1, 2}}
	}
	s := &Sequence{Name: "s", ElemType: ElemTensor, Tensors: []*Tensor{tensor("a"), tensor("b")}, Sequences: []*Sequence{{Name: "in"}},
		Maps:      []*Map{{Name: "m", KeyType: Int64, Keys: []int64{-1, 5}, Values: &Sequence{}}, {KeyType: String, StringKeys: [][]byte{[]byte("k"), {}}}},
		Optionals: []*Optional{{ElemType: ElemTensor}}}
	o := &Optional{Name: "o", ElemType: ElemOptional, Tensor: tensor("t"), Sequence: s, Optional: &Optional{}}
	var sb, ob, tb bytes.Buffer
	if err := errors.Join(WriteSequence(&sb, s), WriteOptional(&ob, o), WriteTensor(&tb, tensor("t"))); err != nil {
		t.Fatal(err)
	}
	gotS, err1 := ReadSequence(sb.Bytes())
	gotO, err2 := ReadOptional(ob.Bytes())
	gotT, err3 := ReadTensor(tb.Bytes())
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, gotS) + cmp.Diff(o, gotO) + cmp.Diff(tensor("t"), gotT); d != "" {
		t.Error(d)
	}
}

func TestLargeDataAreNotCopied(t *testing.T) {
	raw := make([]byte, splice)
	var seen bool
	w := writerFunc(func(b []byte) { seen = seen || len(b) > 0 && &b[0] == &raw[0] })
	m := &Model{Graph: &Graph{Initializers: []*Tensor{{Name: "w", DataType: Uint8, Dims: []int64{splice}, Raw: raw}}, Name: "after"}}
	if err := WriteModel(w, m); err != nil {
		t.Fatal(err)
	}
	if !seen {
		t.Error("the writer copied the raw data")
	}
	b := encoded(t, m)
	got, err := ReadModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Error(d)
	}
	if data := got.Graph.Initializers[0].Raw; !bytes.Contains(b, data) || cap(data) != len(data) || &b[bytes.Index(b, data)] != &data[0] {
		t.Error("the reader copied the raw data, or lets it grow into what comes after")
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// TestContent: each type, from raw data and from its typed field, gives the same bytes.
func TestContent(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name  string
		typed Tensor
		raw   []byte
	}{
		{"float", Tensor{DataType: Float, Floats: []float32{1, -2}}, le.AppendUint32(le.AppendUint32(nil, math.Float32bits(1)), math.Float32bits(-2))},
		{"uint8", Tensor{DataType: Uint8, Int32s: []int32{1, 255}}, []byte{1, 255}},
		{"int8", Tensor{DataType: Int8, Int32s: []int32{1, -1}}, []byte{1, 255}},
		{"uint16", Tensor{DataType: Uint16, Int32s: []int32{1, 65535}}, []byte{1, 0, 255, 255}},
		{"int16", Tensor{DataType: Int16, Int32s: []int32{1, -1}}, []byte{1, 0, 255, 255}},
		{"int32", Tensor{DataType: Int32, Int32s: []int32{1, -2}}, []byte{1, 0, 0, 0, 254, 255, 255, 255}},
		{"int64", Tensor{DataType: Int64, Int64s: []int64{1, -2}}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255}},
		{"bool", Tensor{DataType: Bool, Int32s: []int32{1, 0}}, []byte{1, 0}},
		{"float16", Tensor{DataType: Float16, Int32s: []int32{0x3c00, 0xfc00}}, []byte{0, 0x3c, 0, 0xfc}},
		{"double", Tensor{DataType: Double, Doubles: []float64{1, 2}}, le.AppendUint64(le.AppendUint64(nil, math.Float64bits(1)), math.Float64bits(2))},
		{"uint32", Tensor{DataType: Uint32, Uint64s: []uint64{1, 1 << 31}}, []byte{1, 0, 0, 0, 0, 0, 0, 128}},
		{"uint64", Tensor{DataType: Uint64, Uint64s: []uint64{1, 1 << 63}}, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128}},
		{"complex64", Tensor{DataType: Complex64, Floats: []float32{1, 0, 0, 1}}, le.AppendUint64(le.AppendUint64(nil, 0x3f800000), 0x3f800000<<32)},
		{"complex128", Tensor{DataType: Complex128, Doubles: []float64{0, 0, 0, 0}}, make([]byte, 32)},
		{"bfloat16", Tensor{DataType: BFloat16, Int32s: []int32{0x3f80, 0xff80}}, []byte{0x80, 0x3f, 0x80, 0xff}},
		{"float8e4m3fn", Tensor{DataType: Float8E4M3FN, Int32s: []int32{0x38, 0xff}}, []byte{0x38, 0xff}},
		{"float8e4m3fnuz", Tensor{DataType: Float8E4M3FNUZ, Int32s: []int32{0x38, 0x80}}, []byte{0x38, 0x80}},
		{"float8e5m2", Tensor{DataType: Float8E5M2, Int32s: []int32{0x3c, 0xfc}}, []byte{0x3c, 0xfc}},
		{"float8e5m2fnuz", Tensor{DataType: Float8E5M2FNUZ, Int32s: []int32{0x3c, 0x80}}, []byte{0x3c, 0x80}},
		{"uint4", Tensor{DataType: Uint4, Int32s: []int32{0x21}}, []byte{0x21}},
		{"int4", Tensor{DataType: Int4, Int32s: []int32{0xf1}}, []byte{0xf1}},
		{"float4e2m1", Tensor{DataType: Float4E2M1, Int32s: []int32{0x21}}, []byte{0x21}},
		{"float8e8m0", Tensor{DataType: Float8E8M0, Int32s: []int32{127, 255}}, []byte{127, 255}},
		{"uint2", Tensor{DataType: Uint2, Int32s: []int32{0x9}}, []byte{0x9}},
		{"int2", Tensor{DataType: Int2, Int32s: []int32{0x9}}, []byte{0x9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.typed.Dims = []int64{2}
			raw := Tensor{DataType: c.typed.DataType, Dims: []int64{2}, Raw: c.raw}
			for form, p := range map[string]*Tensor{"typed": &c.typed, "raw": &raw} {
				var b bytes.Buffer
				if err := WriteTensor(&b, p); err != nil {
					t.Fatal(err)
				}
				back, err := ReadTensor(b.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				got, err := back.Content()
				if err != nil || !bytes.Equal(got, c.raw) {
					t.Errorf("%s: % x, %v; want % x", form, got, err, c.raw)
				}
				back.Dims = []int64{17}
				if _, err := back.Content(); err == nil {
					t.Errorf("%s: data for 2 elements passed as 17", form)
				}
			}
		})
	}
	for d := Float; d.Known(); d++ {
		if kind := dataTypes[d]; kind.store == noStore || kind.bits == 0 && d != String {
			t.Errorf("data type %d is not described", d)
		}
	}
}

func TestContentRefuses(t *testing.T) {
	for _, c := range []struct {
		why  string
		t    Tensor
		want string
	}{
		{"a negative dimension", Tensor{DataType: Float, Dims: []int64{-1}}, "dims [-1]: a negative dimension"},
		{"a product that overflows", Tensor{DataType: Float, Dims: []int64{1 << 40, 1 << 40}}, "dims [1099511627776 1099511627776]: too many elements"},
		{"an unknown type", Tensor{DataType: 99}, "unknown data type 99"},
		{"no type", Tensor{}, "unknown data type 0"},
		{"a segment", Tensor{DataType: Float, Segment: &Segment{}}, "a segment of a tensor, which no operator accepts"},
		{"raw data of another size", Tensor{DataType: Float, Dims: []int64{2}, Raw: make([]byte, 7)}, "raw_data of 7 bytes for 2 elements of 32 bits"},
		{"no data", Tensor{DataType: Float, Dims: []int64{2}}, "data of 0 bytes for 2 elements of 32 bits"},
		{"strings", Tensor{DataType: String}, "a tensor of strings has no content in bytes"},
	} {
		if _, err := c.t.Content(); err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.why, err, c.want)
		}
	}
	if _, err := (&Tensor{DataType: String, Dims: []int64{2}, Strings: [][]byte{{}}}).Texts(); err == nil {
		t.Error("one string passed as two")
	}
	if n, err := (&Tensor{Dims: []int64{1 << 40, 1 << 40, 0}}).Elements(); n != 0 || err != nil {
		t.Errorf("a dimension of 0: %d elements, %v", n, err)
	}
}

// TestUnpackedNumbers: readers must accept repeated numbers one by one as well as packed, even mixed.
func TestUnpackedNumbers(t *testing.T) {
	var b []byte
	varint := func(num number, x uint64) {
		b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), x)
	}
	varint(1, 2)
	b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), []byte{3, 4})
	varint(1, 5)
	b = protowire.AppendFixed32(protowire.AppendTag(b, 4, protowire.Fixed32Type), math.Float32bits(1.5))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 10, protowire.Fixed64Type), math.Float64bits(2.5))
	minus := int64(-1)
	varint(5, uint64(minus))
	varint(1000, 1) // a field of a later onnx.proto
	b = protowire.AppendTag(b, 1001, protowire.StartGroupType)
	varint(1, 9)
	b = protowire.AppendTag(b, 1001, protowire.EndGroupType)
	got, err := ReadTensor(b)
	want := &Tensor{Dims: []int64{2, 3, 4, 5}, Floats: []float32{1.5}, Doubles: []float64{2.5}, Int32s: []int32{-1}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

// TestAttributeTypeIsInferred: files of IR version 1 state no type, and a number may be 0.
func TestAttributeTypeIsInferred(t *testing.T) {
	for num, want := range attributeFields {
		b := protowire.AppendTag([]byte{0x0a, 1, 'a'}, num, protowire.BytesType)
		switch want {
		case AttributeFloat:
			b = protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), 0)
		case AttributeInt:
			b = protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), 0)
		default:
			b = append(b, 0)
		}
		var a Attribute
		if err := read(&a, b, 0, 1); err != nil || a.Type != want {
			t.Errorf("field %d: type %d, %v; want %d", num, a.Type, err, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	message := func(num number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
	}
	nested := []byte{}
	for range 60 { // graph.node.attribute.graph…
		nested = message(6, message(1, message(5, nested)))
	}
	for _, c := range []struct {
		why  string
		b    []byte
		want string
	}{
		{"a length beyond the end", []byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f}, "at byte 0: field 7: unexpected EOF"},
		{"a length of 2⁶³", append([]byte{0x3a}, protowire.AppendVarint(nil, 1<<63)...), "at byte 0: field 7: unexpected EOF"},
		{"field number 0", []byte{0x00, 0x01}, "at byte 0: no field begins here: invalid field number"},
		{"an end of a group", []byte{0x3c}, "at byte 0: field 7: mismatching end group marker"},
		{"a wire type that is none", []byte{0x3f}, "at byte 0: field 7: cannot parse reserved wire type"},
		{"another wire type", []byte{0x38, 0x01}, "at byte 1: field 7 has wire type 0, want 2"},
		{"an error inside, with its place", append([]byte{0x08, 0x03}, message(7, append(message(1, nil), message(1, message(5, []byte{0x0a, 9}))...))...),
			"graph.node[1].attribute[0]: at byte 10: field 1: unexpected EOF"},
		{"a varint of eleven bytes", append([]byte{0x08}, bytes.Repeat([]byte{0xff}, 11)...), "at byte 0: field 1: variable length integer overflow"},
		{"packed dims that end early", message(7, message(5, message(1, []byte{1, 0x80}))), "graph.initializer[0]: at byte 7: field 1: unexpected EOF"},
		{"packed floats of odd size", message(7, message(5, message(4, []byte{1, 2, 3}))), "graph.initializer[0]: at byte 6: field 4: 3 bytes of packed floats"},
		{"nesting without end", message(7, message(1, message(5, nested))), "messages nested deeper than 100"},
	} {
		_, err := ReadModel(c.b)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.why, err, c.want)
		}
	}
}

// TestEveryPrefix: no prefix of a file makes the reader panic, and each but those that end between fields is an error.
func TestEveryPrefix(t *testing.T) {
	b := encoded(t, everything())
	whole := 0
	for n := range b {
		if _, err := ReadModel(b[:n:n]); err == nil {
			whole++
		}
	}
	if whole > 20 {
		t.Errorf("%d of %d prefixes were accepted", whole, len(b))
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add(encoded(f, everything()))
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadModel(b)
		if err != nil {
			return
		}
		again := encoded(t, m)
		back, err := ReadModel(again)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if !bytes.Equal(again, encoded(t, back)) {
			t.Error("reading and writing again gave other bytes")
		}
		if m.Graph != nil {
			for _, x := range m.Graph.Initializers {
				x.Content()
				x.Texts()
			}
		}
	})
}
