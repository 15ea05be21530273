package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// labelEncoder maps each element by a table of keys and values, to a default where it is no key. Of equal keys the last one counts, and NaN is a key like
// any other.
func labelEncoder() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			keys, err := encoderList(n, "keys")
			if err != nil {
				return err
			}
			values, err := encoderList(n, "values")
			if err != nil {
				return err
			}
			if keys.Len() != values.Len() {
				return fmt.Errorf("%d keys for %d values", keys.Len(), values.Len())
			}
			if n.Inputs[0].DType != keys.DType {
				return fmt.Errorf("input is %s and the keys are %s", n.Inputs[0].DType, keys.DType)
			}
			yields(n, 0, values.DType, n.Inputs[0].Shape)
			return nil
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			keys, err := encoderList(n, "keys")
			if err != nil {
				return Kernel{}, err
			}
			values, err := encoderList(n, "values")
			if err != nil {
				return Kernel{}, err
			}
			unknown, err := encoderDefault(n, values.DType)
			if err != nil {
				return Kernel{}, err
			}
			return mapping(keys, values, unknown)
		},
	}
}

// encoderList is the list of keys or of values of a LabelEncoder, in any of its spellings.
func encoderList(n *graph.Node, kind string) (tensor.Tensor, error) {
	if a, ok := n.Attributes[kind+"_tensor"]; ok && a.Kind == models.TensorAttribute && a.Tensor.DType != tensor.Undefined {
		return tensor.Aligned(a.Tensor), nil
	}
	if list := textList(n, kind+"_strings"); list != nil {
		return tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(list)}, Strings: list}, nil
	}
	if list := longList(n, kind+"_int64s"); list != nil {
		return tensor.From(tensor.Int64, tensor.Shape{len(list)}, list), nil
	}
	if list := floatList(n, kind+"_floats"); list != nil {
		return tensor.From(tensor.Float32, tensor.Shape{len(list)}, list), nil
	}
	return tensor.Tensor{}, fmt.Errorf("no %s are given", kind)
}

// encoderDefault is the value of what is no key.
func encoderDefault(n *graph.Node, d tensor.DType) (tensor.Tensor, error) {
	if a, ok := n.Attributes["default_tensor"]; ok && a.Kind == models.TensorAttribute && a.Tensor.DType == d && a.Tensor.Len() == 1 {
		return tensor.Aligned(a.Tensor), nil
	}
	switch d {
	case tensor.String:
		return tensor.Tensor{DType: d, Shape: tensor.Shape{1}, Strings: []string{n.Str("default_string", "_Unused")}}, nil
	case tensor.Float32:
		return tensor.From(d, tensor.Shape{1}, []float32{n.Float("default_float", float32(math.Copysign(0, -1)))}), nil
	case tensor.Int64:
		return tensor.From(d, tensor.Shape{1}, []int64{int64(n.Int("default_int64", -1))}), nil
	case tensor.Float64:
		return tensor.From(d, tensor.Shape{1}, []float64{math.Copysign(0, -1)}), nil
	case tensor.Int32:
		return tensor.From(d, tensor.Shape{1}, []int32{-1}), nil
	case tensor.Int16:
		return tensor.From(d, tensor.Shape{1}, []int16{-1}), nil
	}
	return tensor.Tensor{}, badType(d)
}

// mapping makes the kernel of a table.
func mapping(keys, values, unknown tensor.Tensor) (Kernel, error) {
	var place func(t *tensor.Tensor) func(i int) (int, bool)
	switch keys.DType {
	case tensor.String:
		place = placesOf[string](&keys)
	case tensor.Int64:
		place = placesOf[int64](&keys)
	case tensor.Int32:
		place = placesOf[int32](&keys)
	case tensor.Int16:
		place = placesOf[int16](&keys)
	case tensor.Float32:
		place = placesOf[float32](&keys)
	case tensor.Float64:
		place = placesOf[float64](&keys)
	default:
		return Kernel{}, badType(keys.DType)
	}
	put := bySize(values.DType, putMapped[uint8], putMapped[uint16], putMapped[uint32], putMapped[uint64], putMapped[complex128], putMapped[string])
	return Kernel{Class: "host", Bind: func(c *Call) func() error {
		return func() error {
			put(&c.Out[0].Tensor, &values, &unknown, place(&c.In[0].Tensor))
			return nil
		}
	}}, nil
}

// placesOf indexes keys: what it makes finds, in a tensor, the place of an element among them.
func placesOf[T comparable](keys *tensor.Tensor) func(t *tensor.Tensor) func(i int) (int, bool) {
	place := map[T]int{}
	nan := -1 // which a map never finds
	for i, k := range elements[T](keys) {
		if k != k {
			nan = i
			continue
		}
		place[k] = i
	}
	return func(t *tensor.Tensor) func(i int) (int, bool) {
		x := elements[T](t)
		return func(i int) (int, bool) {
			v := x[i]
			if v != v {
				return nan, nan >= 0
			}
			at, ok := place[v]
			return at, ok
		}
	}
}

func putMapped[T word](out, values, unknown *tensor.Tensor, place func(i int) (int, bool)) {
	to, from, other := elements[T](out), elements[T](values), elements[T](unknown)[0]
	for i := range to {
		to[i] = other
		if at, ok := place(i); ok {
			to[i] = from[at]
		}
	}
}

// categoryMapper maps strings to integers or back, whichever the input is not, by two lists.
func categoryMapper() Op {
	lists := func(n *graph.Node) (keys, values, unknown tensor.Tensor, err error) {
		texts, ints := textList(n, "cats_strings"), longList(n, "cats_int64s")
		if len(texts) != len(ints) {
			return keys, values, unknown, fmt.Errorf("%d cats_strings for %d cats_int64s", len(texts), len(ints))
		}
		keys = tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(texts)}, Strings: texts}
		values = tensor.From(tensor.Int64, tensor.Shape{len(ints)}, ints)
		if n.Inputs[0].DType == tensor.Int64 {
			keys, values = values, keys
		}
		unknown, err = encoderDefault(n, values.DType)
		return keys, values, unknown, err
	}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, texts|1<<tensor.Int64); err != nil {
				return err
			}
			_, values, _, err := lists(n)
			yields(n, 0, values.DType, n.Inputs[0].Shape)
			return err
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			keys, values, unknown, err := lists(n)
			if err != nil {
				return Kernel{}, err
			}
			return mapping(keys, values, unknown)
		},
	}
}

// oneHotEncoder puts, along a new last axis, 1 at the place of an element among the categories and 0 elsewhere. What is no category has zeros alone, or
// with zeros=0 is an error.
func oneHotEncoder() Op {
	categories := func(n *graph.Node) (tensor.Tensor, error) {
		if n.Inputs[0].DType == tensor.String {
			list := textList(n, "cats_strings")
			if list == nil {
				return tensor.Tensor{}, fmt.Errorf("strings without cats_strings")
			}
			return tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{len(list)}, Strings: list}, nil
		}
		list := longList(n, "cats_int64s")
		if list == nil {
			return tensor.Tensor{}, fmt.Errorf("numbers without cats_int64s")
		}
		return tensor.From(tensor.Int64, tensor.Shape{len(list)}, list), nil
	}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, learned|texts); err != nil {
				return err
			}
			list, err := categories(n)
			if err != nil {
				return err
			}
			var out tensor.Shape
			if s := n.Inputs[0].Shape; s != nil {
				out = append(s.Clone(), list.Len())
			}
			yields(n, 0, tensor.Float32, out)
			return nil
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			list, err := categories(n)
			if err != nil {
				return Kernel{}, err
			}
			place := placesOf[int64](&list)
			if list.DType == tensor.String {
				place = placesOf[string](&list)
			}
			whole := tensor.New(list.DType, n.Inputs[0].Shape)
			lenient := n.Int("zeros", 1) != 0
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				own := whole.Clone()
				return func() error {
					x := &c.In[0].Tensor
					if x.DType != own.DType {
						_ = conversion{}.convert(&own, x) // numbers always convert
						x = &own
					}
					return putOneHot(elements[float32](&c.Out[0].Tensor), x.Len(), list.Len(), place(x), lenient)
				}
			}}, nil
		},
	}
}

func putOneHot(out []float32, count, categories int, place func(i int) (int, bool), lenient bool) error {
	clear(out)
	for i := range count {
		at, ok := place(i)
		switch {
		case ok:
			out[i*categories+at] = 1
		case !lenient:
			return fmt.Errorf("element %d is no category", i)
		}
	}
	return nil
}
