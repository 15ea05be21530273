package models

import (
	"errors"
	"fmt"
	"io"

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

// Datum is a value of any kind that test data may hold: a tensor, a sequence of Elems, or an optional, whose Elems are none or one.
type Datum struct {
	Name   string
	Kind   Kind // TensorKind, SequenceKind or OptionalKind
	Tensor tensor.Tensor
	Elems  []Datum
}

// ReadDatum decodes a TensorProto, a SequenceProto or an OptionalProto, as the type of the value asks. Its elements may lie in b.
func ReadDatum(b []byte, t Type) (Datum, error) {
	switch t.Kind {
	case SequenceKind:
		p, err := onnx.ReadSequence(b)
		if err != nil {
			return Datum{}, fmt.Errorf("not a SequenceProto: %w", err)
		}
		return sequenceDatum(p)
	case OptionalKind:
		p, err := onnx.ReadOptional(b)
		if err != nil {
			return Datum{}, fmt.Errorf("not an OptionalProto: %w", err)
		}
		return optionalDatum(p)
	case TensorKind:
		name, v, err := ReadTensor(b)
		return Datum{Name: name, Tensor: v}, err
	}
	return Datum{}, fmt.Errorf("test data of type %v are not supported", t)
}

func tensorDatum(p *onnx.Tensor) (Datum, error) {
	t, err := looseTensor(p)
	return Datum{Name: p.Name, Tensor: t}, err
}

func sequenceDatum(p *onnx.Sequence) (Datum, error) {
	d := Datum{Name: p.Name, Kind: SequenceKind}
	err := errors.Join(appendData(&d, p.Tensors, tensorDatum), appendData(&d, p.Sequences, sequenceDatum), appendData(&d, p.Optionals, optionalDatum))
	if p.ElemType == onnx.ElemMap || p.ElemType == onnx.ElemSparseTensor {
		err = fmt.Errorf("a sequence of element kind %d is not supported", p.ElemType)
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
