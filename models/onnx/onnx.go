// Package onnx is the ONNX wire format: files read through a memory map, and written. It checks what the format says about bytes and
// sizes, and nothing about what a model means.
//
// The message types follow onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) name by name. Fields that tell nothing
// about running a model (training information, device configurations, quantisation annotations) are skipped when read, as are
// fields that a later onnx.proto may add.
package onnx

// Model is a ModelProto.
type Model struct {
	IRVersion       int64
	OpsetImport     []OperatorSetID
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	DocString       string
	Graph           *Graph
	Metadata        []StringStringEntry
	Functions       []*Function
}

// OperatorSetID is an OperatorSetIdProto: the version of a domain's operators; the domain "" is ai.onnx.
type OperatorSetID struct {
	Domain  string
	Version int64
}

// StringStringEntry is a StringStringEntryProto.
type StringStringEntry struct{ Key, Value string }

// Graph is a GraphProto.
type Graph struct {
	Name               string
	Nodes              []*Node
	Initializers       []*Tensor
	SparseInitializers []*SparseTensor
	DocString          string
	Inputs             []*ValueInfo
	Outputs            []*ValueInfo
	ValueInfo          []*ValueInfo
	Metadata           []StringStringEntry
}

// Node is a NodeProto. An absent optional input or output is "".
type Node struct {
	Inputs     []string
	Outputs    []string
	Name       string
	OpType     string
	Domain     string
	Overload   string
	Attributes []*Attribute
	DocString  string
	Metadata   []StringStringEntry
}

// AttributeType is an AttributeProto.AttributeType.
type AttributeType int32

// The values are those of onnx.proto.
const (
	AttributeUndefined AttributeType = iota
	AttributeFloat
	AttributeInt
	AttributeString
	AttributeTensor
	AttributeGraph
	AttributeFloats
	AttributeInts
	AttributeStrings
	AttributeTensors
	AttributeGraphs
	AttributeSparseTensor
	AttributeSparseTensors
	AttributeTypeProto
	AttributeTypeProtos
)

// Attribute is an AttributeProto. Where the file states no Type, as those of IR version 1 do, it is that of the field that is there.
type Attribute struct {
	Name          string
	RefAttrName   string // of a function's body: the function's attribute that stands here; Type is its type
	DocString     string
	Type          AttributeType
	F             float32
	I             int64
	S             []byte // lies in what was read
	T             *Tensor
	G             *Graph
	SparseTensor  *SparseTensor
	TP            *Type
	Floats        []float32
	Ints          []int64
	Strings       [][]byte // lie in what was read
	Tensors       []*Tensor
	Graphs        []*Graph
	SparseTensors []*SparseTensor
	TypeProtos    []*Type
}

// ValueInfo is a ValueInfoProto.
type ValueInfo struct {
	Name      string
	Type      *Type // nil where the file does not tell
	DocString string
	Metadata  []StringStringEntry
}

// Type is a TypeProto: at most one of its fields other than Denotation is there.
type Type struct {
	Tensor       *TensorType
	Sequence     *ElementType
	Map          *MapType
	Opaque       *OpaqueType
	SparseTensor *TensorType
	Optional     *ElementType
	Denotation   string
}

// TensorType is a TypeProto.Tensor or a TypeProto.SparseTensor.
type TensorType struct {
	ElemType DataType
	Shape    *Shape // nil where the rank is unknown
}

// ElementType is a TypeProto.Sequence or a TypeProto.Optional.
type ElementType struct{ Elem *Type }

// MapType is a TypeProto.Map.
type MapType struct {
	KeyType   DataType
	ValueType *Type
}

// OpaqueType is a TypeProto.Opaque, of onnx-ml.
type OpaqueType struct{ Domain, Name string }

// Shape is a TensorShapeProto.
type Shape struct{ Dims []Dimension }

// Dimension is a TensorShapeProto.Dimension: a value, or a name, or neither.
type Dimension struct {
	Value      int64
	HasValue   bool
	Param      string
	Denotation string
}

// Function is a FunctionProto.
type Function struct {
	Name              string
	Domain            string
	Overload          string
	Inputs            []string
	Outputs           []string
	Attributes        []string     // names without a default
	AttributeDefaults []*Attribute // attribute_proto: names with one
	Nodes             []*Node
	DocString         string
	OpsetImport       []OperatorSetID
	ValueInfo         []*ValueInfo
	Metadata          []StringStringEntry
}

// Tensor is a TensorProto. Its elements lie in one of the fields; Content gives them in one form.
type Tensor struct {
	Name       string
	Dims       []int64
	DataType   DataType
	Segment    *Segment
	Floats     []float32
	Int32s     []int32
	Strings    [][]byte // lie in what was read
	Int64s     []int64
	Doubles    []float64
	Uint64s    []uint64
	Raw        []byte // raw_data: lies in what was read; nil where the field is absent
	External   []StringStringEntry
	IsExternal bool // data_location is EXTERNAL
	DocString  string
	Metadata   []StringStringEntry
}

// Segment is a TensorProto.Segment: the part of a larger tensor that this one is.
type Segment struct{ Begin, End int64 }

// SparseTensor is a SparseTensorProto: the values that are not zero, and where.
type SparseTensor struct {
	Values  *Tensor
	Indices *Tensor // of int64: [n] indices into the flattened tensor, or [n, rank]
	Dims    []int64
}

// ElemKind is a SequenceProto.DataType or an OptionalProto.DataType.
type ElemKind int32

// The values are those of onnx-data.proto.
const (
	ElemUndefined ElemKind = iota
	ElemTensor
	ElemSparseTensor
	ElemSequence
	ElemMap
	ElemOptional
)

// Sequence is a SequenceProto of tensors, sequences, maps or optionals.
type Sequence struct {
	Name      string
	ElemType  ElemKind
	Tensors   []*Tensor
	Sequences []*Sequence
	Maps      []*Map
	Optionals []*Optional
}

// Map is a MapProto: the i-th of Values belongs to the i-th key.
type Map struct {
	Name       string
	KeyType    DataType
	Keys       []int64  // of integers, whatever their type
	StringKeys [][]byte // of strings; they lie in what was read
	Values     *Sequence
}

// Optional is an OptionalProto of a tensor, a sequence or an optional; all are nil when it is empty.
type Optional struct {
	Name     string
	ElemType ElemKind
	Tensor   *Tensor
	Sequence *Sequence
	Optional *Optional
}
