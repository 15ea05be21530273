package models

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/eiplan/eiplan/models/tensor"
)

// Pairs calls visit with the tensors that stand at the same places of two data; where says at which, "" for data that are tensors. The values of maps are
// paired by their keys. Data of different forms, and the first error of visit, are its error.
func Pairs(a, b Datum, visit func(where string, a, b tensor.Tensor) error) error {
	return pairs("", a, b, visit)
}

func pairs(where string, a, b Datum, visit func(where string, a, b tensor.Tensor) error) error {
	if a.Kind != b.Kind {
		return fmt.Errorf("%sa %v and a %v", place(where), a.Kind, b.Kind)
	}
	switch {
	case a.Kind == TensorKind:
		return visit(where, a.Tensor, b.Tensor)
	case len(a.Elems) != len(b.Elems):
		return fmt.Errorf("%s%d elements and %d", place(where), len(a.Elems), len(b.Elems))
	case a.Kind == MapKind:
		values, err := sorted(b, a.Elems[0].Tensor)
		if err != nil {
			return fmt.Errorf("%s%w", place(where), err)
		}
		return visit(join(where, "values"), a.Elems[1].Tensor, values)
	}
	for i := range a.Elems {
		at := where
		if a.Kind == SequenceKind {
			at = join(where, fmt.Sprintf("element %d", i))
		}
		if err := pairs(at, a.Elems[i], b.Elems[i], visit); err != nil {
			return err
		}
	}
	return nil
}

func join(where, what string) string {
	if where == "" {
		return what
	}
	return where + ", " + what
}

func place(where string) string {
	if where == "" {
		return ""
	}
	return where + ": "
}

// sorted is the values of a map in the order of the given keys, which must be its own.
func sorted(d Datum, keys tensor.Tensor) (tensor.Tensor, error) {
	own, values := d.Elems[0].Tensor, d.Elems[1].Tensor
	if own.DType != keys.DType || own.Len() != keys.Len() {
		return values, fmt.Errorf("keys %v and %v", keys, own)
	}
	out := tensor.Tensor{DType: values.DType, Shape: values.Shape}
	for i := range keys.Len() {
		at, key := -1, ""
		if keys.DType == tensor.String {
			at, key = slices.Index(own.Strings, keys.Strings[i]), strconv.Quote(keys.Strings[i])
		} else {
			number := tensor.Data[int64](keys)[i]
			at, key = slices.Index(tensor.Data[int64](own), number), strconv.FormatInt(number, 10)
		}
		if at < 0 {
			return values, fmt.Errorf("the key %s is in one map alone", key)
		}
		one := element(values, at)
		out.Bytes, out.Strings = append(out.Bytes, one.Bytes...), append(out.Strings, one.Strings...)
	}
	return out, nil
}
