package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// types is a set of element types: bit d stands for tensor.DType d.
type types uint64

const (
	halves   types = 1<<tensor.Float16 | 1<<tensor.BFloat16
	floats         = halves | 1<<tensor.Float32 | 1<<tensor.Float64
	signed   types = 1<<tensor.Int8 | 1<<tensor.Int16 | 1<<tensor.Int32 | 1<<tensor.Int64
	unsigned types = 1<<tensor.Uint8 | 1<<tensor.Uint16 | 1<<tensor.Uint32 | 1<<tensor.Uint64
	integers       = signed | unsigned
	numbers        = floats | integers
	bools    types = 1 << tensor.Bool
	texts    types = 1 << tensor.String
	indices  types = 1<<tensor.Int32 | 1<<tensor.Int64
	packed   types = 1<<tensor.Uint4 | 1<<tensor.Int4 | 1<<tensor.Float4E2M1 | 1<<tensor.Uint2 | 1<<tensor.Int2
	float8   types = 1<<tensor.Float8E4M3FN | 1<<tensor.Float8E4M3FNUZ | 1<<tensor.Float8E5M2 | 1<<tensor.Float8E5M2FNUZ | 1<<tensor.Float8E8M0
	complexs types = 1<<tensor.Complex64 | 1<<tensor.Complex128
	anything       = numbers | bools | texts | packed | float8 | complexs
)

func (s types) has(d tensor.DType) bool { return d.Known() && s>>d&1 == 1 }

// String lists the members.
func (s types) String() string {
	var names []string
	for d := tensor.Undefined; d < 64; d++ {
		if s.has(d) {
			names = append(names, d.String())
		}
	}
	return strings.Join(names, ", ")
}

// arity checks the number of inputs, captures aside; atMost < 0 is no bound. Inputs below atLeast must be present, and where there is no bound but at
// least one, all.
func arity(n *graph.Node, atLeast, atMost int) error {
	count := len(n.Inputs) - n.Captures
	if count < atLeast || atMost >= 0 && count > atMost {
		want := fmt.Sprint(atLeast)
		switch {
		case atMost < 0:
			want = fmt.Sprintf("at least %d", atLeast)
		case atMost != atLeast:
			want = fmt.Sprintf("%d to %d", atLeast, atMost)
		}
		return wrongInputs(n, want)
	}
	present := atLeast
	if atMost < 0 && atLeast > 0 {
		present = count
	}
	for i := range present {
		if n.Inputs[i] == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// takes checks that an input, where it is present, has one of the given element types.
func takes(n *graph.Node, input int, allowed types) error {
	v := n.In(input)
	if v == nil || allowed.has(v.DType) {
		return nil
	}
	return fmt.Errorf("input %d is %s; it may be %s", input, v.DType, allowed)
}

// sameTypes checks that the given inputs, where they are present, have one element type, which is among the allowed.
func sameTypes(n *graph.Node, allowed types, inputs ...int) error {
	first := tensor.Undefined
	for _, i := range inputs {
		v := n.In(i)
		if v == nil {
			continue
		}
		if err := takes(n, i, allowed); err != nil {
			return err
		}
		if first == tensor.Undefined {
			first = v.DType
		}
		if v.DType != first {
			return fmt.Errorf("input %d is %s where another is %s; they must be of one type", i, v.DType, first)
		}
	}
	return nil
}

// yields sets the type and shape of an output, where anybody wants it. The shape is copied.
func yields(n *graph.Node, output int, d tensor.DType, s tensor.Shape) {
	if output >= len(n.Outputs) || n.Outputs[output] == nil {
		return
	}
	v := n.Outputs[output]
	v.SetType(&graph.Value{DType: d, Shape: copied(s)})
}

// copied is a copy of a shape; nil stays nil.
func copied(s tensor.Shape) tensor.Shape {
	if s == nil {
		return nil
	}
	return s.Clone()
}

// wants reports whether an output has a reader.
func wants(n *graph.Node, output int) bool {
	return output < len(n.Outputs) && n.Outputs[output] != nil
}

// axisOf brings an axis into [0, rank), counting negative ones from the end.
func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("axis %d of a tensor of rank %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// axesOf is axisOf for a list, in its order; no axis may come twice.
func axesOf(axes []int, rank int) ([]int, error) {
	out := make([]int, len(axes))
	for i, a := range axes {
		var err error
		if out[i], err = axisOf(a, rank); err != nil {
			return nil, err
		}
		if slices.Contains(out[:i], out[i]) {
			return nil, fmt.Errorf("axis %d comes twice", a)
		}
	}
	return out, nil
}

// integersOf reads a tensor of int32 or int64 elements.
func integersOf(t *tensor.Tensor) ([]int, error) {
	out := make([]int, t.Len())
	switch t.DType {
	case tensor.Int64:
		for i, v := range tensor.Data[int64](*t) {
			out[i] = int(v)
		}
	case tensor.Int32:
		for i, v := range tensor.Data[int32](*t) {
			out[i] = int(v)
		}
	default:
		return nil, fmt.Errorf("%s where int32 or int64 is wanted", t.DType)
	}
	return out, nil
}

// known is the integers of an input whose content is known; nil where the input is absent or known only in the run.
func known(n *graph.Node, input int) ([]int, error) {
	if !n.In(input).Known() {
		return nil, nil
	}
	list, err := integersOf(n.Inputs[input].Const)
	if err != nil {
		return nil, fmt.Errorf("input %d: %w", input, err)
	}
	return list, nil
}

// unknowns is a shape of the given rank with no known dimension.
func unknowns(rank int) tensor.Shape {
	s := make(tensor.Shape, rank)
	for i := range s {
		s[i] = tensor.Unknown
	}
	return s
}

// span is the number of elements in dimensions [from, to) of a static shape.
func span(s tensor.Shape, from, to int) int { return s[from:to].Elements() }
