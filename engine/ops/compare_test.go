package ops_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// slotOf holds a datum; an optional's element is the slot's tensor or items.
func slotOf(d models.Datum) *ops.Slot {
	s := &ops.Slot{Tensor: tensor.Aligned(d.Tensor)}
	switch {
	case d.Kind == models.OptionalKind && len(d.Elems) == 0:
		s.Absent = true
	case d.Kind == models.OptionalKind:
		return slotOf(d.Elems[0])
	case d.Kind == models.SequenceKind:
		for _, e := range d.Elems {
			s.Items = append(s.Items, tensor.Aligned(e.Tensor))
		}
	}
	return s
}

func sameDatum(got *ops.Slot, want models.Datum) error {
	switch want.Kind {
	case models.OptionalKind:
		if got.Absent != (len(want.Elems) == 0) {
			return fmt.Errorf("absent %v, want %d elements", got.Absent, len(want.Elems))
		}
		if got.Absent {
			return nil
		}
		return sameDatum(got, want.Elems[0])
	case models.SequenceKind:
		if len(got.Items) != len(want.Elems) {
			return fmt.Errorf("%d items, want %d", len(got.Items), len(want.Elems))
		}
		for i, e := range want.Elems {
			if err := sameTensor(got.Items[i], e.Tensor); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
		return nil
	}
	return sameTensor(got.Tensor, want.Tensor)
}

// sameTensor compares by the tolerances of the shared models' README: floats within atol + rtol·|want|, all else exactly.
func sameTensor(got, want tensor.Tensor) error {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	if want.DType == tensor.String {
		if !slices.Equal(got.Strings, want.Strings) {
			return fmt.Errorf("got %q, want %q", got.Strings, want.Strings)
		}
		return nil
	}
	within, ok := map[tensor.DType][2]float64{
		tensor.Float32: {1e-3, 1e-5}, tensor.Float64: {1e-3, 1e-7}, tensor.Float16: {5e-3, 1e-3}, tensor.BFloat16: {2e-2, 1e-2},
	}[want.DType]
	if !ok {
		if want.DType == tensor.Float8E5M2 {
			got, want = plainNaN(got), plainNaN(want)
		}
		if !bytes.Equal(got.Bytes, want.Bytes) {
			return fmt.Errorf("got % x, want % x", clip(got.Bytes), clip(want.Bytes))
		}
		return nil
	}
	a, b := floatsOf(got), floatsOf(want)
	for i := range b {
		x, y := a[i], b[i]
		switch {
		case x == y, x != x && y != y:
		case !(math.Abs(x-y) <= within[1]+within[0]*math.Abs(y)):
			return fmt.Errorf("element %d of %s is %v, want %v", i, want, x, y)
		}
	}
	return nil
}

// plainNaN gives all NaNs of a float8e5m2 tensor, which has three, one code.
func plainNaN(t tensor.Tensor) tensor.Tensor {
	t = t.Clone()
	for i, b := range t.Bytes {
		if b&0x7f > 0x7c {
			t.Bytes[i] = 0x7f
		}
	}
	return t
}

func clip(b []byte) []byte { return b[:min(len(b), 24)] }

func floatsOf(t tensor.Tensor) []float64 {
	t = tensor.Aligned(t)
	out := make([]float64, t.Len())
	for i := range out {
		switch t.DType {
		case tensor.Float32:
			out[i] = float64(tensor.Data[float32](t)[i])
		case tensor.Float64:
			out[i] = tensor.Data[float64](t)[i]
		case tensor.Float16:
			out[i] = float64(tensor.FromFloat16(tensor.Data[uint16](t)[i]))
		case tensor.BFloat16:
			out[i] = float64(tensor.FromBFloat16(tensor.Data[uint16](t)[i]))
		}
	}
	return out
}

// near applies the shared models' rule for reduced precision inside: the root mean square of the differences is below 1e-2 of that of the output.
func near(got, want tensor.Tensor) bool {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) || want.DType != tensor.Float32 && want.DType != tensor.Float64 {
		return false
	}
	var off, all float64
	a, b := floatsOf(got), floatsOf(want)
	for i := range b {
		off += (a[i] - b[i]) * (a[i] - b[i])
		all += b[i] * b[i]
	}
	return off < 1e-4*all
}
