package onnx

// This file is the format: the fields of each message with their numbers in onnx.proto and onnx-data.proto, in the order in which
// they are written. The same list reads and writes.

func (m *Model) fields(c *codec) {
	c.integer(1, &m.IRVersion)
	c.text(2, &m.ProducerName)
	c.text(3, &m.ProducerVersion)
	c.text(4, &m.Domain)
	c.integer(5, &m.ModelVersion)
	c.text(6, &m.DocString)
	one(c, 7, "graph", &m.Graph)
	list(c, 8, "opset_import", &m.OpsetImport)
	list(c, 14, "metadata_props", &m.Metadata)
	many(c, 25, "function", &m.Functions)
}

func (o *OperatorSetID) fields(c *codec) {
	c.text(1, &o.Domain)
	c.integer(2, &o.Version)
}

func (e *StringStringEntry) fields(c *codec) {
	c.text(1, &e.Key)
	c.text(2, &e.Value)
}

func (g *Graph) fields(c *codec) {
	many(c, 1, "node", &g.Nodes)
	c.text(2, &g.Name)
	many(c, 5, "initializer", &g.Initializers)
	c.text(10, &g.DocString)
	many(c, 11, "input", &g.Inputs)
	many(c, 12, "output", &g.Outputs)
	many(c, 13, "value_info", &g.ValueInfo)
	many(c, 15, "sparse_initializer", &g.SparseInitializers)
	list(c, 16, "metadata_props", &g.Metadata)
}

func (n *Node) fields(c *codec) {
	c.texts(1, &n.Inputs)
	c.texts(2, &n.Outputs)
	c.text(3, &n.Name)
	c.text(4, &n.OpType)
	many(c, 5, "attribute", &n.Attributes)
	c.text(6, &n.DocString)
	c.text(7, &n.Domain)
	c.text(8, &n.Overload)
	list(c, 9, "metadata_props", &n.Metadata)
}

// attributeFields says which field of an AttributeProto holds the value of which type.
var attributeFields = map[number]AttributeType{
	2: AttributeFloat, 3: AttributeInt, 4: AttributeString, 5: AttributeTensor, 6: AttributeGraph,
	7: AttributeFloats, 8: AttributeInts, 9: AttributeStrings, 10: AttributeTensors, 11: AttributeGraphs,
	14: AttributeTypeProto, 15: AttributeTypeProtos, 22: AttributeSparseTensor, 23: AttributeSparseTensors,
}

func (a *Attribute) fields(c *codec) {
	value := a.RefAttrName == ""
	c.text(1, &a.Name)
	c.float(2, &a.F, value && a.Type == AttributeFloat)
	c.integerIf(3, &a.I, value && a.Type == AttributeInt)
	c.bytes(4, &a.S, value && a.Type == AttributeString)
	one(c, 5, "t", &a.T)
	one(c, 6, "g", &a.G)
	c.floats(7, &a.Floats)
	c.integers(8, &a.Ints)
	c.byteses(9, &a.Strings)
	many(c, 10, "tensors", &a.Tensors)
	many(c, 11, "graphs", &a.Graphs)
	c.text(13, &a.DocString)
	one(c, 14, "tp", &a.TP)
	many(c, 15, "type_protos", &a.TypeProtos)
	enum(c, 20, &a.Type)
	c.text(21, &a.RefAttrName)
	one(c, 22, "sparse_tensor", &a.SparseTensor)
	many(c, 23, "sparse_tensors", &a.SparseTensors)
	if a.Type == AttributeUndefined {
		a.Type = attributeFields[c.number]
	}
}

func (v *ValueInfo) fields(c *codec) {
	c.text(1, &v.Name)
	one(c, 2, "type", &v.Type)
	c.text(3, &v.DocString)
	list(c, 4, "metadata_props", &v.Metadata)
}

func (t *Type) fields(c *codec) {
	one(c, 1, "tensor_type", &t.Tensor)
	one(c, 4, "sequence_type", &t.Sequence)
	one(c, 5, "map_type", &t.Map)
	c.text(6, &t.Denotation)
	one(c, 7, "opaque_type", &t.Opaque)
	one(c, 8, "sparse_tensor_type", &t.SparseTensor)
	one(c, 9, "optional_type", &t.Optional)
}

func (t *TensorType) fields(c *codec) {
	enum(c, 1, &t.ElemType)
	one(c, 2, "shape", &t.Shape)
}

func (e *ElementType) fields(c *codec) { one(c, 1, "elem_type", &e.Elem) }

func (m *MapType) fields(c *codec) {
	enum(c, 1, &m.KeyType)
	one(c, 2, "value_type", &m.ValueType)
}

func (o *OpaqueType) fields(c *codec) {
	c.text(1, &o.Domain)
	c.text(2, &o.Name)
}

func (s *Shape) fields(c *codec) { list(c, 1, "dim", &s.Dims) }

func (d *Dimension) fields(c *codec) {
	c.integerIf(1, &d.Value, d.HasValue)
	c.text(2, &d.Param)
	c.text(3, &d.Denotation)
	d.HasValue = d.HasValue || c.number == 1
}

func (f *Function) fields(c *codec) {
	c.text(1, &f.Name)
	c.texts(4, &f.Inputs)
	c.texts(5, &f.Outputs)
	c.texts(6, &f.Attributes)
	many(c, 7, "node", &f.Nodes)
	c.text(8, &f.DocString)
	list(c, 9, "opset_import", &f.OpsetImport)
	c.text(10, &f.Domain)
	many(c, 11, "attribute_proto", &f.AttributeDefaults)
	many(c, 12, "value_info", &f.ValueInfo)
	c.text(13, &f.Overload)
	list(c, 14, "metadata_props", &f.Metadata)
}

func (t *Tensor) fields(c *codec) {
	c.integers(1, &t.Dims)
	enum(c, 2, &t.DataType)
	one(c, 3, "segment", &t.Segment)
	c.floats(4, &t.Floats)
	c.int32s(5, &t.Int32s)
	c.byteses(6, &t.Strings)
	c.integers(7, &t.Int64s)
	c.text(8, &t.Name)
	c.bytes(9, &t.Raw, t.Raw != nil)
	c.doubles(10, &t.Doubles)
	c.uint64s(11, &t.Uint64s)
	c.text(12, &t.DocString)
	list(c, 13, "external_data", &t.External)
	c.boolean(14, &t.IsExternal)
	list(c, 16, "metadata_props", &t.Metadata)
}

func (s *Segment) fields(c *codec) {
	c.integer(1, &s.Begin)
	c.integer(2, &s.End)
}

func (s *SparseTensor) fields(c *codec) {
	one(c, 1, "values", &s.Values)
	one(c, 2, "indices", &s.Indices)
	c.integers(3, &s.Dims)
}

func (s *Sequence) fields(c *codec) {
	c.text(1, &s.Name)
	enum(c, 2, &s.ElemType)
	many(c, 3, "tensor_values", &s.Tensors)
	many(c, 5, "sequence_values", &s.Sequences)
	many(c, 6, "map_values", &s.Maps)
	many(c, 7, "optional_values", &s.Optionals)
}

func (m *Map) fields(c *codec) {
	c.text(1, &m.Name)
	enum(c, 2, &m.KeyType)
	c.integers(3, &m.Keys)
	c.byteses(4, &m.StringKeys)
	one(c, 5, "values", &m.Values)
}

func (o *Optional) fields(c *codec) {
	c.text(1, &o.Name)
	enum(c, 2, &o.ElemType)
	one(c, 3, "tensor_value", &o.Tensor)
	one(c, 5, "sequence_value", &o.Sequence)
	one(c, 7, "optional_value", &o.Optional)
}
