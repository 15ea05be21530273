package models

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// ReadTensor decodes a TensorProto, such as a .pb file of test data, with the name that it carries. The tensor's elements may lie in b.
func ReadTensor(b []byte) (name string, t tensor.Tensor, err error) {
	p, err := onnx.ReadTensor(b)
	if err != nil {
		return "", tensor.Tensor{}, fmt.Errorf("not a TensorProto: %w", err)
	}
	t, err = looseTensor(p)
	return p.Name, t, err
}

// looseTensor converts a tensor that came without a model file.
func looseTensor(p *onnx.Tensor) (tensor.Tensor, error) {
	c := converter{content: func(t *onnx.Tensor) ([]byte, error) {
		if t.IsExternal {
			return nil, errors.New("external data outside of a model")
		}
		return t.Content()
	}}
	return c.tensor(p)
}

// WriteTensor writes t as a TensorProto of that name.
func WriteTensor(w io.Writer, name string, t tensor.Tensor) error {
	return onnx.WriteTensor(w, tensorProto(name, t))
}

// Datum is a value of any kind: a tensor, a sequence of Elems, an optional, whose Elems are none or one, or a map, whose Elems are two tensors of one
// dimension, its keys and the value of each.
type Datum struct {
	Name   string
	Kind   Kind // any but SparseKind
	Tensor tensor.Tensor
	Elems  []Datum
}

// Clone copies a datum with all that is in it.
func (d Datum) Clone() Datum {
	d.Tensor = d.Tensor.Clone()
	d.Elems = slices.Clone(d.Elems)
	for i, e := range d.Elems {
		d.Elems[i] = e.Clone()
	}
	return d
}

// ReadDatum decodes a TensorProto, a SequenceProto, an OptionalProto or a MapProto, as the type of the value asks. Its elements may lie in b.
func ReadDatum(b []byte, t Type) (Datum, error) {
	switch t.Kind {
	case SequenceKind:
		return readDatum(b, "SequenceProto", onnx.ReadSequence, sequenceDatum)
	case OptionalKind:
		return readDatum(b, "OptionalProto", onnx.ReadOptional, optionalDatum)
	case MapKind:
		return readDatum(b, "MapProto", onnx.ReadMap, mapDatum)
	case TensorKind:
		name, v, err := ReadTensor(b)
		return Datum{Name: name, Tensor: v}, err
	}
	return Datum{}, fmt.Errorf("data of type %v are not supported", t)
}

func readDatum[P any](b []byte, message string, read func([]byte) (P, error), convert func(P) (Datum, error)) (Datum, error) {
	p, err := read(b)
	if err != nil {
		return Datum{}, fmt.Errorf("not a %s: %w", message, err)
	}
	return convert(p)
}

func tensorDatum(p *onnx.Tensor) (Datum, error) {
	t, err := looseTensor(p)
	return Datum{Name: p.Name, Tensor: t}, err
}

func sequenceDatum(p *onnx.Sequence) (Datum, error) {
	d := Datum{Name: p.Name, Kind: SequenceKind}
	err := errors.Join(appendData(&d, p.Tensors, tensorDatum), appendData(&d, p.Sequences, sequenceDatum),
		appendData(&d, p.Maps, mapDatum), appendData(&d, p.Optionals, optionalDatum))
	if p.ElemType == onnx.ElemSparseTensor {
		err = errors.New("a sequence of sparse tensors is not supported")
	}
	return d, err
}

func optionalDatum(p *onnx.Optional) (Datum, error) {
	d := Datum{Name: p.Name, Kind: OptionalKind}
	var err error
	switch {
	case p.Tensor != nil:
		err = appendData(&d, []*onnx.Tensor{p.Tensor}, tensorDatum)
	case p.Sequence != nil:
		err = appendData(&d, []*onnx.Sequence{p.Sequence}, sequenceDatum)
	case p.Optional != nil:
		err = appendData(&d, []*onnx.Optional{p.Optional}, optionalDatum)
	case p.ElemType == onnx.ElemMap || p.ElemType == onnx.ElemSparseTensor:
		err = fmt.Errorf("an optional of element kind %d is not supported", p.ElemType)
	}
	return d, err
}

func appendData[P any](d *Datum, list []P, convert func(P) (Datum, error)) error {
	for i, p := range list {
		e, err := convert(p)
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		d.Elems = append(d.Elems, e)
	}
	return nil
}

// mapDatum joins the values, of which each is a tensor of one element, to one tensor.
func mapDatum(p *onnx.Map) (Datum, error) {
	d := Datum{Name: p.Name, Kind: MapKind}
	keys := tensor.From(tensor.Int64, tensor.Shape{len(p.Keys)}, p.Keys)
	if p.KeyType == onnx.String {
		keys = tensor.New(tensor.String, tensor.Shape{len(p.StringKeys)})
		for i, key := range p.StringKeys {
			keys.Strings[i] = string(key)
		}
	} else if p.KeyType != onnx.Int64 {
		return d, fmt.Errorf("a map with keys of %v is not supported", tensor.DType(p.KeyType))
	}
	list := Datum{}
	if p.Values != nil {
		if err := appendData(&list, p.Values.Tensors, tensorDatum); err != nil {
			return d, err
		}
	}
	if len(list.Elems) != keys.Len() {
		return d, fmt.Errorf("a map of %d keys and %d values", keys.Len(), len(list.Elems))
	}
	values := tensor.Tensor{DType: tensor.Float32, Shape: keys.Shape}
	for i, e := range list.Elems {
		if i == 0 {
			values.DType = e.Tensor.DType
		}
		if e.Tensor.Len() != 1 || e.Tensor.DType != values.DType || e.Tensor.DType.Bits() < 8 && e.Tensor.DType != tensor.String {
			return d, fmt.Errorf("value %d of a map is %v; one %v is wanted", i, e.Tensor, values.DType)
		}
		values.Bytes, values.Strings = append(values.Bytes, e.Tensor.Bytes...), append(values.Strings, e.Tensor.Strings...)
	}
	d.Elems = []Datum{{Tensor: keys}, {Tensor: values}}
	return d, nil
}

// WriteDatum writes d, under its name, as what ReadDatum reads.
func WriteDatum(w io.Writer, d Datum) error {
	switch d.Kind {
	case SequenceKind:
		return onnx.WriteSequence(w, sequenceProto(d))
	case OptionalKind:
		return onnx.WriteOptional(w, optionalProto(d))
	case MapKind:
		return onnx.WriteMap(w, mapProto(d))
	}
	return WriteTensor(w, d.Name, d.Tensor)
}

func sequenceProto(d Datum) *onnx.Sequence {
	p := &onnx.Sequence{Name: d.Name, ElemType: onnx.ElemTensor}
	for _, e := range d.Elems {
		switch e.Kind {
		case SequenceKind:
			p.ElemType, p.Sequences = onnx.ElemSequence, append(p.Sequences, sequenceProto(e))
		case OptionalKind:
			p.ElemType, p.Optionals = onnx.ElemOptional, append(p.Optionals, optionalProto(e))
		case MapKind:
			p.ElemType, p.Maps = onnx.ElemMap, append(p.Maps, mapProto(e))
		default:
			p.Tensors = append(p.Tensors, tensorProto(e.Name, e.Tensor))
		}
	}
	return p
}

func optionalProto(d Datum) *onnx.Optional {
	p := &onnx.Optional{Name: d.Name}
	for _, e := range d.Elems {
		switch e.Kind {
		case SequenceKind:
			p.ElemType, p.Sequence = onnx.ElemSequence, sequenceProto(e)
		case OptionalKind:
			p.ElemType, p.Optional = onnx.ElemOptional, optionalProto(e)
		default:
			p.ElemType, p.Tensor = onnx.ElemTensor, tensorProto(e.Name, e.Tensor)
		}
	}
	return p
}

func mapProto(d Datum) *onnx.Map {
	keys, values := d.Elems[0].Tensor, d.Elems[1].Tensor
	p := &onnx.Map{Name: d.Name, KeyType: onnx.DataType(keys.DType), Values: &onnx.Sequence{ElemType: onnx.ElemTensor}}
	if keys.DType == tensor.String {
		p.StringKeys = byteses(keys.Strings)
	} else {
		p.Keys = tensor.Data[int64](keys)
	}
	for i := range keys.Len() {
		p.Values.Tensors = append(p.Values.Tensors, tensorProto("", element(values, i)))
	}
	return p
}

// element is the i-th of a tensor's elements, of at least eight bits, as a scalar.
func element(t tensor.Tensor, i int) tensor.Tensor {
	one := tensor.Tensor{DType: t.DType, Shape: tensor.Shape{}}
	if t.DType == tensor.String {
		one.Strings = t.Strings[i : i+1]
		return one
	}
	size := t.DType.Bits() / 8
	one.Bytes = t.Bytes[i*size : (i+1)*size]
	return one
}
