package ops_test

import (
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// eval runs one node on tensors; all of them are known before.
func eval(t *testing.T, op string, attributes map[string]models.Attribute, in ...tensor.Tensor) tensor.Tensor {
	t.Helper()
	n := &graph.Node{Op: op, Attributes: attributes, Outputs: []*graph.Value{{}}}
	var slots []*ops.Slot
	for i := range in {
		n.Inputs = append(n.Inputs, &graph.Value{Const: &in[i]})
		slots = append(slots, &ops.Slot{Tensor: in[i]})
	}
	out, err := ops.Eval(n, slots, target(), nil)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out[0].Tensor
}

func intAttribute(name string, v int) map[string]models.Attribute {
	return map[string]models.Attribute{name: {Kind: models.IntAttribute, Int: int64(v)}}
}

func castTo(t *testing.T, d tensor.DType, x tensor.Tensor) tensor.Tensor {
	t.Helper()
	return eval(t, "Cast", intAttribute("to", int(d)), x)
}

func int64s(shape tensor.Shape, values ...int64) tensor.Tensor {
	return tensor.From(tensor.Int64, shape, values)
}

func real64s(values ...float64) tensor.Tensor {
	return tensor.From(tensor.Float64, tensor.Shape{len(values)}, values)
}

// isNumber reports whether arithmetic takes a type.
func isNumber(d tensor.DType) bool {
	switch d {
	case tensor.Uint8, tensor.Int8, tensor.Uint16, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64:
		return true
	}
	return d.Float()
}

// TestArithmeticAgreesInAllTypes computes small whole numbers in every type and in float64; the results are the same numbers.
func TestArithmeticAgreesInAllTypes(t *testing.T) {
	a, b := real64s(6, 8, 12, 9, 1), real64s(3, 2, 4, 1, 1)
	for d := tensor.Float32; d.Known(); d++ {
		if !isNumber(d) {
			continue
		}
		x, y := castTo(t, d, a), castTo(t, d, b)
		for _, op := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Greater", "LessOrEqual"} {
			if got, want := castTo(t, tensor.Float64, eval(t, op, nil, x, y)), castTo(t, tensor.Float64, eval(t, op, nil, a, b)); sameTensor(got, want) != nil {
				t.Errorf("%s of %s: %v", op, d, sameTensor(got, want))
			}
		}
		for _, op := range []string{"ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare", "Abs", "Sign"} {
			part := castTo(t, d, b)
			if got, want := castTo(t, tensor.Float64, eval(t, op, nil, part)), eval(t, op, nil, b); sameTensor(got, want) != nil {
				t.Errorf("%s of %s: %v", op, d, sameTensor(got, want))
			}
		}
	}
}

// TestMovesAgreeInAllTypes moves elements of every type, and the same as int64; what arrives is the same.
func TestMovesAgreeInAllTypes(t *testing.T) {
	source := int64s(tensor.Shape{2, 3}, 0, 1, 1, 0, 0, 1)
	index := int64s(tensor.Shape{2}, 1, -2)
	moves := map[string]func(x tensor.Tensor) tensor.Tensor{
		"Transpose": func(x tensor.Tensor) tensor.Tensor { return eval(t, "Transpose", nil, x) },
		"Gather":    func(x tensor.Tensor) tensor.Tensor { return eval(t, "Gather", intAttribute("axis", 1), x, index) },
		"Concat":    func(x tensor.Tensor) tensor.Tensor { return eval(t, "Concat", intAttribute("axis", 1), x, x) },
		"Slice": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "Slice", nil, x, int64s(tensor.Shape{1}, -1), int64s(tensor.Shape{1}, -9), int64s(tensor.Shape{1}, 1), int64s(tensor.Shape{1}, -2))
		},
		"Tile": func(x tensor.Tensor) tensor.Tensor { return eval(t, "Tile", nil, x, int64s(tensor.Shape{2}, 2, 3)) },
		"Expand": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "Expand", nil, x, int64s(tensor.Shape{3}, 2, 1, 1))
		},
		"Pad": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "Pad", map[string]models.Attribute{"mode": {Kind: models.StringAttribute, Str: "reflect"}}, x, int64s(tensor.Shape{4}, 1, 2, 0, -1))
		},
		"Reshape": func(x tensor.Tensor) tensor.Tensor { return eval(t, "Reshape", nil, x, int64s(tensor.Shape{1}, -1)) },
		"Where": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "Where", nil, tensor.From(tensor.Bool, tensor.Shape{2, 1}, []bool{true, false}), x, eval(t, "Slice", nil, x, int64s(tensor.Shape{1}, 0), int64s(tensor.Shape{1}, 1)))
		},
		"GatherElements": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "GatherElements", nil, x, int64s(tensor.Shape{1, 3}, 1, 0, -1))
		},
		"ScatterND": func(x tensor.Tensor) tensor.Tensor {
			return eval(t, "ScatterND", nil, x, int64s(tensor.Shape{1, 1}, 1), eval(t, "Slice", nil, x, int64s(tensor.Shape{1}, 0), int64s(tensor.Shape{1}, 1)))
		},
		"Trilu": func(x tensor.Tensor) tensor.Tensor { return eval(t, "Trilu", nil, x) },
	}
	for d := tensor.Float32; d.Known(); d++ {
		if d == tensor.Complex64 || d == tensor.Complex128 || d == tensor.Float8E8M0 {
			continue // Cast does not take complex numbers, and float8e8m0 has no zero
		}
		x := castTo(t, d, source)
		for name, move := range moves {
			if d == tensor.String && name == "Trilu" {
				continue // fills with empty strings
			}
			if err := sameTensor(castTo(t, tensor.Int64, move(x)), move(source)); err != nil {
				t.Errorf("%s of %s: %v", name, d, err)
			}
		}
	}
}

// TestCastRoundTrips converts every number of the small formats to float32 and back.
func TestCastRoundTrips(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ, tensor.Float8E8M0, tensor.Float16, tensor.BFloat16, tensor.Float4E2M1, tensor.Int4, tensor.Uint2} {
		n := 1 << d.Bits()
		x := tensor.New(d, tensor.Shape{n})
		for i := range n {
			switch at, bits := i*d.Bits(), d.Bits(); {
			case bits == 16:
				tensor.Data[uint16](x)[i] = uint16(i)
			default:
				x.Bytes[at/8] |= byte(i) << (at % 8)
			}
		}
		wide := castTo(t, tensor.Float64, x)
		exact := intAttribute("to", int(d))
		exact["saturate"] = models.Attribute{Kind: models.IntAttribute}
		back := eval(t, "Cast", exact, wide)
		again := castTo(t, tensor.Float64, back)
		for i, v := range tensor.Data[float64](wide) {
			if w := tensor.Data[float64](again)[i]; v != w && v == v {
				t.Errorf("%s code %#x is %v, and %v after a round trip", d, i, v, w)
			}
		}
	}
}
