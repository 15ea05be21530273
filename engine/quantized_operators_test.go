package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantizedConv is a QLinearConv or ConvInteger of seeded numbers.
type quantizedConv struct {
	why        string
	x, w       tensor.Shape
	in, by, to tensor.DType // of the image, the weights and the result
	attributes []any
	each       bool // output channel has a scale and a zero point
	bias, long bool // a bias; scales of all 24 bits
}

var quantizedConvs = []quantizedConv{
	{why: "whole vectors", x: tensor.Shape{1, 32, 7, 9}, w: tensor.Shape{32, 32, 3, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"pads", []int64{1, 1, 1, 1}}, bias: true},
	{why: "odd channels, strides and dilations", x: tensor.Shape{2, 13, 11, 10}, w: tensor.Shape{21, 13, 3, 2}, in: tensor.Uint8, by: tensor.Uint8, to: tensor.Uint8, attributes: []any{"pads", []int64{2, 0, 1, 1}, "strides", []int64{2, 1}, "dilations", []int64{1, 2}}, each: true},
	{why: "signed bytes", x: tensor.Shape{1, 20, 8, 8}, w: tensor.Shape{17, 20, 3, 3}, in: tensor.Int8, by: tensor.Int8, to: tensor.Int8, attributes: []any{"auto_pad", "SAME_UPPER"}, each: true, bias: true},
	{why: "signed to unsigned", x: tensor.Shape{1, 20, 5, 5}, w: tensor.Shape{8, 20, 1, 1}, in: tensor.Int8, by: tensor.Uint8, to: tensor.Uint8},
	{why: "unsigned to signed", x: tensor.Shape{1, 20, 5, 5}, w: tensor.Shape{8, 20, 1, 1}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Int8, bias: true},
	{why: "depthwise", x: tensor.Shape{1, 37, 9, 8}, w: tensor.Shape{37, 1, 3, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"group", 37, "pads", []int64{1, 1, 1, 1}}, each: true, bias: true},
	{why: "depthwise on signed bytes", x: tensor.Shape{1, 16, 9, 8}, w: tensor.Shape{16, 1, 5, 5}, in: tensor.Int8, by: tensor.Uint8, to: tensor.Int8, attributes: []any{"group", 16, "strides", []int64{2, 2}}},
	{why: "groups", x: tensor.Shape{1, 12, 6, 6}, w: tensor.Shape{20, 3, 3, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"group", 4}, each: true},
	{why: "few channels", x: tensor.Shape{1, 3, 12, 12}, w: tensor.Shape{8, 3, 5, 5}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"pads", []int64{2, 2, 2, 2}, "strides", []int64{2, 2}}, bias: true},
	{why: "one dimension", x: tensor.Shape{2, 19, 40}, w: tensor.Shape{24, 19, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"pads", []int64{2, 1}}, bias: true},
	{why: "three dimensions", x: tensor.Shape{1, 3, 4, 5, 6}, w: tensor.Shape{4, 3, 2, 2, 2}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8},
	{why: "no images", x: tensor.Shape{0, 3, 4, 5}, w: tensor.Shape{4, 3, 2, 2}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8},
	{why: "scales of many digits", x: tensor.Shape{1, 32, 20, 20}, w: tensor.Shape{32, 32, 3, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Uint8, attributes: []any{"pads", []int64{1, 1, 1, 1}}, each: true, bias: true, long: true},
	{why: "sums", x: tensor.Shape{1, 20, 9, 7}, w: tensor.Shape{33, 20, 3, 3}, in: tensor.Uint8, by: tensor.Int8, to: tensor.Int32, attributes: []any{"pads", []int64{1, 1, 1, 1}}},
	{why: "sums of signed bytes", x: tensor.Shape{2, 20, 9, 7}, w: tensor.Shape{6, 10, 3, 3}, in: tensor.Int8, by: tensor.Int8, to: tensor.Int32, attributes: []any{"pads", []int64{1, 0, 1, 2}, "group", 2}, each: true},
	{why: "sums of channels by themselves", x: tensor.Shape{1, 20, 9, 7}, w: tensor.Shape{20, 1, 3, 3}, in: tensor.Uint8, by: tensor.Uint8, to: tensor.Int32, attributes: []any{"pads", []int64{1, 1, 1, 1}, "group", 20}},
	{why: "sums of few channels along a line", x: tensor.Shape{1, 2, 30}, w: tensor.Shape{5, 2, 4}, in: tensor.Uint8, by: tensor.Uint8, to: tensor.Int32, attributes: []any{"strides", []int64{3}}},
}

// TestQuantizedConvolutions compares convolutions of constant weights with those of weights that only a run tells, which are summed in float64.
func TestQuantizedConvolutions(t *testing.T) {
	for _, c := range quantizedConvs {
		r := rand.New(rand.NewPCG(3, 4))
		x, known := c.tensors(r)
		given := known["w"]
		want := c.run(t, engine.Options{}, []tensor.Tensor{x, given}, fmt.Sprintf("x %s %s;w %s %s", c.in, sizes(c.x), c.by, sizes(c.w)), without(known, "w"))
		for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX512VNNI), cpu.Detect().Cap(cpu.LevelAVX512), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
			for _, plain := range []bool{false, true} {
				got := c.run(t, engine.Options{Features: f, Threads: 2, NoPasses: plain}, []tensor.Tensor{x}, fmt.Sprintf("x %s %s", c.in, sizes(c.x)), known)
				if wrong := c.wrong(got, want); wrong != "" {
					t.Errorf("%s on %v, without passes %v: %s", c.why, f, plain, wrong)
				}
			}
		}
	}
}

// tensors are c's image and what is constant, with scales whose quotient takes few bits so that products with it are exact.
func (c quantizedConv) tensors(r *rand.Rand) (tensor.Tensor, constants) {
	bytes := func(d tensor.DType, s tensor.Shape) tensor.Tensor {
		x := tensor.New(d, s)
		for i := range x.Bytes {
			x.Bytes[i] = byte(r.IntN(256))
		}
		return x
	}
	outs, wide := c.w[0], tensor.Shape{}
	if c.each {
		wide = tensor.Shape{outs}
	}
	known := constants{"w": bytes(c.by, c.w), "wz": bytes(c.by, wide), "xz": bytes(c.in, tensor.Shape{})}
	if c.to == tensor.Int32 {
		return bytes(c.in, c.x), known
	}
	scales, step := make([]float32, wide.Elements()), float32(0.25)
	for i := range scales {
		scales[i] = float32(1+r.IntN(7)) / 1024
		if c.long {
			scales[i], step = r.Float32()/200+1e-4, 0.1234567
		}
	}
	known["xs"], known["ys"], known["ws"] = tensor.Scalar(tensor.Float32, step), tensor.Scalar(tensor.Float32, float32(1)), tensor.From(tensor.Float32, wide, scales)
	known["yz"] = bytes(c.to, tensor.Shape{})
	if c.bias {
		bias := make([]int32, outs)
		for i := range bias {
			bias[i] = int32(r.IntN(40000) - 20000)
		}
		known["b"] = tensor.From(tensor.Int32, tensor.Shape{outs}, bias)
	}
	return bytes(c.in, c.x), known
}

func (c quantizedConv) run(t *testing.T, o engine.Options, in []tensor.Tensor, inputs string, known constants) tensor.Tensor {
	t.Helper()
	call := "QLinearConv x xs xz w ws wz ys yz > y"
	switch {
	case c.to == tensor.Int32:
		call = "ConvInteger x w xz wz > y"
	case c.bias:
		call = "QLinearConv x xs xz w ws wz ys yz b > y"
	}
	p, err := engine.Compile(model(inputs, "y", known, node(call, c.attributes...)), o)
	if err != nil {
		t.Fatalf("%s: %v", c.why, err)
	}
	for _, s := range p.Placements() {
		if len(in) == 1 && len(c.x) < 5 && c.x.Elements() > 0 && strings.Contains(s.Class, "float64") {
			t.Errorf("%s: runs as %q", c.why, s.Class)
		}
	}
	s := p.NewSession()
	defer s.Close()
	out := make([]tensor.Tensor, 1)
	for range 2 { // what a run leaves behind must not show in the next
		if err := s.Run(in, out); err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
	}
	return out[0].Clone()
}

// wrong says in what two results differ: in nothing, but that a float32 product may be rounded the other way next to a tie.
func (c quantizedConv) wrong(got, want tensor.Tensor) string {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		return fmt.Sprintf("%s %s, want %s %s", got.DType, got.Shape, want.DType, want.Shape)
	}
	differ := 0
	for i, b := range want.Bytes {
		if off := int(got.Bytes[i]) - int(b); off != 0 {
			if differ++; !c.long || off > 1 || off < -1 {
				return fmt.Sprintf("byte %d is %d, want %d", i, got.Bytes[i], b)
			}
		}
	}
	if differ > len(want.Bytes)/1000 {
		return fmt.Sprintf("%d of %d bytes differ", differ, len(want.Bytes))
	}
	return ""
}

// without is a copy of constants that lacks one.
func without(known constants, name string) constants {
	rest := constants{}
	for k, v := range known {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

// sizes writes a shape as inputs have it.
func sizes(s tensor.Shape) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]int(s)), "[]"), " ", ",")
}
