package engine

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// RunData is Run for values of any kind. For tensors it allocates no more than Run does. The tensors inside what is none may have any shape.
func (s *Session) RunData(in, out []models.Datum) error {
	p := s.program
	if len(in) != len(p.Inputs) || len(out) != len(p.Outputs) {
		return fmt.Errorf("%d inputs and %d outputs for a program with %d and %d", len(in), len(out), len(p.Inputs), len(p.Outputs))
	}
	for i := range in {
		if err := s.takeDatum(i, &in[i]); err != nil {
			return err
		}
	}
	if err := s.run(); err != nil {
		return err
	}
	for i, slot := range p.outputs {
		port := &p.Outputs[i]
		out[i] = datumOf(port.Kind, port.Elem, s.slots[slot])
		out[i].Name = port.Name
	}
	return nil
}

// takeDatum makes a value of any kind the i-th input.
func (s *Session) takeDatum(i int, d *models.Datum) error {
	want := &s.program.Inputs[i]
	if want.Kind == models.TensorKind && d.Kind == models.TensorKind {
		return s.take(i, d.Tensor)
	}
	slot := ops.Slot{Tensor: tensor.Tensor{DType: want.DType}}
	if err := fillSlot(&slot, d, want.Kind, want); err != nil {
		return fmt.Errorf("input %q: %w; %s is wanted", want.Name, err, want.Type())
	}
	*s.slots[s.program.inputs[i]] = slot
	return nil
}

// fillSlot lays a value of a kind, which is that of a port or lies in it, into a slot as package ops keeps it.
func fillSlot(slot *ops.Slot, d *models.Datum, kind models.Kind, port *Port) error {
	if d.Kind != kind {
		return fmt.Errorf("a %v in the place of a %v", d.Kind, kind)
	}
	switch kind {
	case models.TensorKind:
		slot.Tensor = tensor.Aligned(d.Tensor)
		return fits(d.Tensor, port.DType)
	case models.OptionalKind:
		if slot.Absent = len(d.Elems) == 0; slot.Absent {
			return nil
		}
		return fillSlot(slot, &d.Elems[0], port.Elem.Kind, port)
	case models.MapKind:
		return appendMap(slot, d, port)
	}
	for i := range d.Elems {
		e := &d.Elems[i]
		switch {
		case port.Elem.Kind == models.MapKind && e.Kind == models.MapKind:
			if err := appendMap(slot, e, port); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
			continue
		case port.Elem.Kind == models.MapKind || e.Kind != models.TensorKind:
			return fmt.Errorf("element %d is a %v", i, e.Kind)
		}
		if err := fits(e.Tensor, port.DType); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		slot.Items = append(slot.Items, tensor.Aligned(e.Tensor))
	}
	return nil
}

func appendMap(slot *ops.Slot, d *models.Datum, port *Port) error {
	if len(d.Elems) != 2 {
		return fmt.Errorf("a map of %d parts", len(d.Elems))
	}
	keys, values := d.Elems[0].Tensor, d.Elems[1].Tensor
	if err := fits(keys, port.Elem.Key); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if err := fits(values, port.DType); err != nil {
		return fmt.Errorf("values: %w", err)
	}
	if len(keys.Shape) != 1 || !keys.Shape.Equal(values.Shape) {
		return fmt.Errorf("keys %v for values %v", keys, values)
	}
	slot.Items = append(slot.Items, tensor.Aligned(keys), tensor.Aligned(values))
	return nil
}

// fits reports what is wrong with a tensor that is to be of type d.
func fits(t tensor.Tensor, d tensor.DType) error {
	if t.DType != d {
		return fmt.Errorf("elements of %v in the place of %v", t.DType, d)
	}
	if !filled(t) {
		return fmt.Errorf("%v with %d bytes and %d strings", t, len(t.Bytes), len(t.Strings))
	}
	return nil
}

// datumOf is the value of a kind that lies in a slot.
func datumOf(kind models.Kind, elem graph.Elem, s *ops.Slot) models.Datum {
	d := models.Datum{Kind: kind}
	switch {
	case kind == models.TensorKind:
		d.Tensor = s.Tensor
	case kind == models.OptionalKind && s.Absent:
	case kind == models.OptionalKind:
		d.Elems = []models.Datum{datumOf(elem.Kind, graph.Elem{}, s)}
	case kind == models.SequenceKind && elem.Kind == models.MapKind:
		for i := 0; i+1 < len(s.Items); i += 2 {
			d.Elems = append(d.Elems, models.Datum{Kind: models.MapKind, Elems: tensorData(s.Items[i : i+2])})
		}
	default:
		d.Elems = tensorData(s.Items)
	}
	return d
}

func tensorData(items []tensor.Tensor) []models.Datum {
	data := make([]models.Datum, len(items))
	for i, t := range items {
		data[i].Tensor = t
	}
	return data
}
