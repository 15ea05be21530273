package ops_test

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestOptions evaluates what ONNX's own cases leave out; each wanted value follows from the operator's text or function body.
func TestOptions(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	floats := func(list ...float32) tensor.Tensor { return tensor.From(tensor.Float32, tensor.Shape{len(list)}, list) }
	codes := func(d tensor.DType, list ...uint8) tensor.Tensor {
		return tensor.From(d, tensor.Shape{len(list)}, list)
	}
	bools := func(list ...bool) tensor.Tensor { return tensor.From(tensor.Bool, tensor.Shape{len(list)}, list) }
	none := func(s ...int) tensor.Tensor { return tensor.New(tensor.Int32, s) }
	text := func(name, v string) map[string]models.Attribute {
		return map[string]models.Attribute{name: {Kind: models.StringAttribute, Str: v}}
	}
	wrap, edge, reflect := text("mode", "wrap"), text("mode", "edge"), text("mode", "reflect")
	up := intAttribute("detect_negative", 0)
	five := floats(1, 2, 3, 4, 5)
	for _, c := range []struct {
		reason     string
		op         string
		attributes map[string]models.Attribute
		in         []tensor.Tensor
		want       tensor.Tensor
	}{
		{"NaN is not above the threshold", "ThresholdedRelu", nil, []tensor.Tensor{floats(nan, 2, -inf, inf)}, floats(0, 2, 0, inf)},
		{"float8e5m2 has infinities of both signs", "IsInf", nil, []tensor.Tensor{codes(tensor.Float8E5M2, 0x7c, 0xfc, 0x7b, 0x7e)}, bools(true, true, false, false)},
		{"the positive one alone", "IsInf", up, []tensor.Tensor{codes(tensor.Float8E5M2, 0x7c, 0xfc)}, bools(true, false)},
		{"float8e4m3fn has none", "IsInf", nil, []tensor.Tensor{codes(tensor.Float8E4M3FN, 0x7e, 0x7f, 0xff)}, bools(false, false, false)},
		{"float8e4m3fn has a NaN of each sign", "IsNaN", nil, []tensor.Tensor{codes(tensor.Float8E4M3FN, 0x7e, 0x7f, 0xff)}, bools(false, true, true)},
		{"the NaN of float8e4m3fnuz is where -0 would be", "IsNaN", nil, []tensor.Tensor{codes(tensor.Float8E4M3FNUZ, 0x80, 0, 0xff)}, bools(true, false, false)},
		{"a sum of bools is Or", "ScatterElements", text("reduction", "add"),
			[]tensor.Tensor{bools(true, false, true, false), int64s(tensor.Shape{3}, 0, 1, 1), bools(true, false, true)}, bools(true, true, true, false)},
		{"a product of bools is And", "ScatterElements", text("reduction", "mul"),
			[]tensor.Tensor{bools(true, false, true, true), int64s(tensor.Shape{3}, 0, 1, 2), bools(true, true, false)}, bools(true, false, false, true)},
		{"a block of bools", "ScatterND", text("reduction", "max"),
			[]tensor.Tensor{bools(true, false), int64s(tensor.Shape{1, 1}, 1), bools(true)}, bools(true, true)},
		{"nothing to choose from, along the last axis", "Where", nil, []tensor.Tensor{tensor.New(tensor.Bool, tensor.Shape{3, 0}), none(3, 0), none(0)}, none(3, 0)},
		{"and along one inside", "Where", nil, []tensor.Tensor{tensor.New(tensor.Bool, tensor.Shape{4, 3, 0, 3}), none(4, 3, 0, 3), none(3, 0, 3)}, none(4, 3, 0, 3)},
		{"four bits are rounded to, ties to even", "Cast", intAttribute("to", int(tensor.Int4)), []tensor.Tensor{floats(1.5, 2.5, -2.8, 0.4)},
			tensor.Tensor{DType: tensor.Int4, Shape: tensor.Shape{4}, Bytes: []byte{2<<4 | 2, 0<<4 | 13}}},
		{"products of nothing, both operands transposed", "Gemm", numbers("transA", 1, "transB", 1),
			[]tensor.Tensor{tensor.New(tensor.Float32, tensor.Shape{0, 2}), tensor.New(tensor.Float32, tensor.Shape{3, 0}), floats(1, 2, 3)},
			tensor.From(tensor.Float32, tensor.Shape{2, 3}, []float32{1, 2, 3, 1, 2, 3})},
		{"wrap continues what a negative pad left", "Pad", wrap, []tensor.Tensor{five, int64s(tensor.Shape{2}, 2, -1)}, floats(3, 4, 1, 2, 3, 4)},
		{"at either end", "Pad", wrap, []tensor.Tensor{five, int64s(tensor.Shape{2}, -1, 2)}, floats(2, 3, 4, 5, 2, 3)},
		{"so does reflect", "Pad", reflect, []tensor.Tensor{five, int64s(tensor.Shape{2}, 3, -3)}, floats(2, 1, 2, 1, 2)},
		{"and edge", "Pad", edge, []tensor.Tensor{five, int64s(tensor.Shape{2}, -2, 1)}, floats(3, 4, 5, 5)},
	} {
		if err := sameTensor(eval(t, c.op, c.attributes, c.in...), c.want); err != nil {
			t.Errorf("%s: %s: %v", c.op, c.reason, err)
		}
	}
}
