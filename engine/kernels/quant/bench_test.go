package quant

import (
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
)

// BenchmarkConvolutions measures every row of the table that runs here.
func BenchmarkConvolutions(b *testing.B) {
	for _, s := range []shape{
		{why: "3x3x32to128", n: 1, h: 56, w: 56, in: 32, out: 128, kh: 3, kw: 3, stride: 1, dilation: 1, top: 1, left: 1, bottom: 1, right: 1, groups: 1, lanes: 16},
		{why: "1x1x128to32", n: 1, h: 56, w: 56, in: 128, out: 32, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16},
		{why: "1x1x16to64", n: 1, h: 55, w: 55, in: 16, out: 64, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16},
		{why: "stem3to64", n: 1, h: 224, w: 224, in: 3, out: 64, kh: 3, kw: 3, stride: 2, dilation: 1, groups: 1, lanes: 4},
		{why: "depthwise96", n: 1, h: 22, w: 22, in: 96, out: 96, kh: 3, kw: 3, stride: 1, dilation: 1, top: 1, left: 1, bottom: 1, right: 1, groups: 96, lanes: 16},
	} {
		for _, k := range kernels {
			if !k.Runnable(cpu.Detect()) || k.family == reference {
				continue
			}
			b.Run(s.why+"/"+k.String(), func(b *testing.B) {
				c := s.convolution(rand.New(rand.NewPCG(1, 2)))
				p, err := Prepare(nil, only(k), c)
				if err != nil {
					b.Fatal(err)
				}
				in, out := make([]byte, c.In.Size(1)+Slack), make([]byte, c.Geometry.Out.Size(1))
				call := p.Bind(1)
				for b.Loop() {
					call.Run(nil, in, out)
				}
				b.ReportMetric(c.FLOPs()*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOPS")
			})
		}
	}
}
