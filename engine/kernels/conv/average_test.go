package conv

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// TestAverage holds averaged convolutions, in every way and with a function after them, to the means of the images that the same plans write.
func TestAverage(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	tested := 0
	for _, s := range shapes {
		if !s.geometry().CanAverage() {
			continue
		}
		tested++
		for _, format := range []gemm.Format{gemm.FP32, gemm.BF16, gemm.FP16} {
			t.Run(fmt.Sprintf("%s/%v", s.reason, format), func(t *testing.T) {
				checkAverage(t, team, newProblem(t, s, format, gemm.Clamp{Lo: -1, Hi: 2}, format == gemm.BF16))
				checkAverage(t, team, newProblem(t, s, format, gemm.Unbounded(), false))
			})
		}
	}
	if tested < 6 {
		t.Errorf("%d shapes that can be averaged", tested)
	}
}

func checkAverage(t *testing.T, team *parallel.Team, p problem) {
	if p.bf16Out != (p.format == gemm.BF16) && p.g.hasResidual() {
		return // which is of the output's type
	}
	to := NewImage(1, 1, p.g.Out.Channels+21, 16, Halo{1, 1, 1, 1}).Slice(16, p.g.Out.Channels)
	again := functionOf(func(x float32) float32 { return 2*x + 1 })
	for _, features := range levels() {
		for _, way := range Ways(features, p.format, p.g) {
			plain, err := PrepareAs(way, nil, features, p.format, p.g, p.weights, p.epilogue)
			if err != nil {
				t.Fatal(err)
			}
			for threads := 1; threads <= 2; threads++ {
				if threads == 2 {
					plain = plain.Then(again)
				}
				images, means := p.blank(len(p.want)), p.blank(to.Size(p.g.N))
				plain.Bind(2, nil).Run(team, p.in, images, p.res)
				averaged := plain.Average(threads, to, means64)
				call := averaged.Bind(threads, fenced[byte](t, averaged.Scratch()))
				if threads == 1 {
					call.Run(nil, p.in, means, p.res)
				} else {
					call.Run(team, p.in, means, p.res)
				}
				checkMeans(t, averaged.Class(), p, images, means, to)
			}
		}
	}
}

// blank is a buffer of p's output's type that nothing has been written to.
func (p *problem) blank(elements int) Buffer {
	b := Buffer{F32: make([]float32, elements)}
	if p.bf16Out {
		b = Buffer{BF16: make([]uint16, elements)}
	}
	for i := range elements {
		if p.bf16Out {
			b.BF16[i] = narrow(untouched)
		} else {
			b.F32[i] = untouched
		}
	}
	return b
}

// means64 are means in binary64.
var means64 = Mean{
	F32: func(y, x []float32, pitch int) {
		for c := range y {
			y[c] = float32(mean64(x, c, pitch, func(x float32) float64 { return float64(x) }))
		}
	},
	BF16: func(y, x []uint16, pitch int) {
		for c := range y {
			y[c] = narrow(float32(mean64(x, c, pitch, func(x uint16) float64 { return float64(widen(x)) })))
		}
	},
}

func mean64[T any](x []T, first, pitch int, number func(T) float64) float64 {
	sum, count := 0.0, 0
	for i := first; i < len(x); i += pitch {
		sum += number(x[i])
		count++
	}
	return sum / float64(count)
}

// checkMeans holds means, and what lies around them, to those of images; the same tiles make both.
func checkMeans(t *testing.T, class string, p problem, images, means Buffer, to Image) {
	t.Helper()
	want, out := p.blank(to.Size(p.g.N)), &p.g.Out
	pixels := out.Height * out.Width
	for n := range p.g.N {
		for c := range out.Channels {
			one := p.blank(pixels)
			for i := range pixels {
				from := out.Index(n, c, i/out.Width, i%out.Width)
				if p.bf16Out {
					one.BF16[i] = images.BF16[from]
				} else {
					one.F32[i] = images.F32[from]
				}
			}
			if at := to.Index(n, c, 0, 0); p.bf16Out {
				means64.BF16(want.BF16[at:at+1], one.BF16, 1)
			} else {
				means64.F32(want.F32[at:at+1], one.F32, 1)
			}
		}
	}
	for i := range to.Size(p.g.N) {
		if p.bf16Out && means.BF16[i] != want.BF16[i] || !p.bf16Out && means.F32[i] != want.F32[i] {
			t.Fatalf("%s: element %d of the means differs", class, i)
		}
	}
}
