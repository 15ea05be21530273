package conv

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

var benchmarks = []struct {
	name string
	shape
}{
	{"3x3-64@56", shape{c: 64, h: 56, w: 56, k: 64, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, haloOut: 1}},
	{"3x3-128@28", shape{c: 128, h: 28, w: 28, k: 128, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1}},
	{"3x3-256@14", shape{c: 256, h: 14, w: 14, k: 256, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1}},
	{"3x3-512@7", shape{c: 512, h: 7, w: 7, k: 512, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1}},
	{"1x1-256-64@56", shape{c: 256, h: 56, w: 56, k: 64, kh: 1, kw: 1, haloOut: 1}},
	{"1x1-64-256@56", shape{c: 64, h: 56, w: 56, k: 256, kh: 1, kw: 1, residual: true}},
	{"stem-7x7", shape{c: 3, lanes: 1, h: 224, w: 224, k: 64, kh: 7, kw: 7, sh: 2, sw: 2, top: 3, left: 3, bot: 3, rt: 3}},
	{"stem-7x7-planar", shape{c: 3, lanes: -1, h: 224, w: 224, k: 64, kh: 7, kw: 7, sh: 2, sw: 2, top: 3, left: 3, bot: 3, rt: 3}},
	{"depthwise-3x3-144@56", shape{c: 144, h: 56, w: 56, k: 144, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 144}},
	{"depthwise-3x3-96@112-s2", shape{c: 96, h: 112, w: 112, k: 96, kh: 3, kw: 3, sh: 2, sw: 2, top: 1, left: 1, bot: 1, rt: 1, groups: 96}},
	{"depthwise-5x5-240@28", shape{c: 240, h: 28, w: 28, k: 240, kh: 5, kw: 5, top: 2, left: 2, bot: 2, rt: 2, groups: 240}},
	{"winograd-64@56", shape{c: 64, h: 56, w: 56, k: 64, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, haloOut: 1, fast: true}},
	{"winograd-128@28", shape{c: 128, h: 28, w: 28, k: 128, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
	{"winograd-256@14", shape{c: 256, h: 14, w: 14, k: 256, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
	{"winograd-16-64@55", shape{c: 16, h: 55, w: 55, k: 64, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
	{"winograd-32-128@27", shape{c: 32, h: 27, w: 27, k: 128, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
	{"winograd-48-192@13", shape{c: 48, h: 13, w: 13, k: 192, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
	{"winograd-64-256@13", shape{c: 64, h: 13, w: 13, k: 256, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true}},
}

func BenchmarkConvolve(b *testing.B) {
	for _, x := range benchmarks {
		b.Run(x.name, func(b *testing.B) {
			for _, features := range levels() {
				for _, format := range []gemm.Format{gemm.FP32, gemm.BF16} {
					benchmarkConv(b, features, format, x.shape)
				}
			}
		})
	}
}

func benchmarkConv(b *testing.B, features cpu.Features, format gemm.Format, s shape) {
	g := s.geometry()
	r := rand.New(rand.NewPCG(1, 2))
	weights := make([]float32, s.k*s.c/g.Groups*s.kh*s.kw)
	for i := range weights {
		weights[i] = r.Float32()*2 - 1
	}
	plan, err := Prepare(gemm.NewArena(), features, format, g, weights, gemm.Epilogue{Clamp: gemm.ReLU(), Bias: make([]float32, s.k)})
	if err != nil {
		b.Fatal(err)
	}
	if strings.Contains(plan.Class(), "generic") {
		return
	}
	b.Run(plan.Class(), func(b *testing.B) {
		in := Buffer{F32: make([]float32, g.In.Size(1)), BF16: make([]uint16, g.In.Size(1))}
		for i := range in.F32 {
			in.F32[i] = r.Float32()*2 - 1
			in.BF16[i] = narrow(in.F32[i])
		}
		out := Buffer{F32: make([]float32, g.Out.Size(1))}
		var res Buffer
		if s.residual {
			res.F32 = make([]float32, g.Residual.Size(1))
		}
		call := plan.Bind(1, nil)
		for b.Loop() {
			call.Run(nil, in, out, res)
		}
		b.ReportMetric(g.FLOPs()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
	})
}
