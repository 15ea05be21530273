package engine_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestSignedBytes runs models on signed bytes, which become unsigned where all that touches them lets them.
func TestSignedBytes(t *testing.T) {
	const conv = "QLinearConv q s z w s w0 r rz"
	quantize := node("QuantizeLinear x s z > q")
	for _, c := range []struct {
		why   string
		bytes int // steps on bytes
		nodes []*models.Node
	}{
		{"convolutions", 3, []*models.Node{quantize, node(conv + " > a"), node("QLinearConv a r rz w s w0 r z > b"), node("DequantizeLinear b r z > y")}},
		{"a pool between them", 4, []*models.Node{quantize, node(conv + " > a"), node("MaxPool a > p", "kernel_shape", []int64{2, 2}), node("QLinearConv p r rz w s w0 r z > b"), node("DequantizeLinear b r z > y")}},
		{"a pool whose result is the model's", 1, []*models.Node{quantize, node(conv + " > a"), node("MaxPool a > y", "kernel_shape", []int64{2, 2})}},
		{"a zero point that is not stated", 2, []*models.Node{node("QuantizeLinear x s > q", "output_dtype", int(tensor.Int8)), node("QLinearConv q s w0 w s w0 r rz > a"), node("DequantizeLinear a r rz > y")}},
		{"real numbers between", 3, []*models.Node{quantize, node("DequantizeLinear q s z > d"), node("DequantizeLinear w s > e"), node("Conv d e > f"), node("Relu f > g"), node("QuantizeLinear g r rz > h"), node("DequantizeLinear h r rz > y")}},
		{"a scale for each channel", 0, []*models.Node{node("QuantizeLinear x v > q", "output_dtype", int(tensor.Int8)), node("DequantizeLinear q v > y")}},
		{"bytes that something else reads", 1, []*models.Node{quantize, node(conv + " > a"), node("Transpose q > u"), node("DequantizeLinear a r rz > d"), node("DequantizeLinear u s z > e"), node("ReduceSum e > f"), node("Add d f > y")}},
	} {
		r := rand.New(rand.NewPCG(7, 8))
		x, w, v := tensor.New(tensor.Float32, tensor.Shape{1, 20, 8, 8}), tensor.New(tensor.Int8, tensor.Shape{20, 20, 2, 2}), tensor.New(tensor.Float32, tensor.Shape{20})
		for i := range tensor.Data[float32](x) {
			tensor.Data[float32](x)[i] = r.Float32() - 0.5
		}
		for i := range w.Bytes {
			w.Bytes[i] = byte(r.IntN(256))
		}
		for i := range tensor.Data[float32](v) {
			tensor.Data[float32](v)[i] = 1.0 / 128
		}
		known := constants{"w": w, "v": v, "s": tensor.Scalar(tensor.Float32, float32(1.0/128)), "r": tensor.Scalar(tensor.Float32, float32(1.0/16)),
			"z": tensor.Scalar(tensor.Int8, int8(-3)), "rz": tensor.Scalar(tensor.Int8, int8(5)), "w0": tensor.Scalar(tensor.Int8, int8(0))}
		run := func(o engine.Options) (tensor.Tensor, int) {
			p := compile(t, model("x float32 1,20,8,8", "y", known, c.nodes...), o)
			out := make([]tensor.Tensor, 1)
			if err := session(t, p).Run([]tensor.Tensor{x}, out); err != nil {
				t.Fatalf("%s: %v", c.why, err)
			}
			onBytes := 0
			for _, s := range p.Placements() {
				if strings.HasSuffix(s.Class, "int8") {
					onBytes++
				}
			}
			return out[0].Clone(), onBytes
		}
		want, _ := run(engine.Options{NoPasses: true})
		for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
			got, onBytes := run(engine.Options{Features: f})
			if got.DType != want.DType || !slices.Equal(got.Bytes, want.Bytes) {
				t.Errorf("%s on %v: the result differs", c.why, f)
			}
			if onBytes < c.bytes {
				t.Errorf("%s on %v: %d steps run on bytes, want %d", c.why, f, onBytes, c.bytes)
			}
		}
	}
}
