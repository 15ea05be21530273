package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// chains lists convolutions that follow one another, and why. Each image lies as the one that reads it wants it.
var chains = []struct {
	reason string
	links  []shape
}{
	{"expand, depthwise, project with a residual", []shape{
		{c: 16, h: 13, w: 15, k: 48, kh: 1, kw: 1}, {c: 48, h: 13, w: 15, k: 48, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 48},
		{c: 48, h: 13, w: 15, k: 16, kh: 1, kw: 1, residual: true}}},
	{"stride 2, a window of 5, two images", []shape{
		{n: 2, c: 16, h: 17, w: 14, k: 32, kh: 1, kw: 1}, {n: 2, c: 32, h: 17, w: 14, k: 32, kh: 5, kw: 5, sh: 2, sw: 2, top: 2, left: 2, bot: 2, rt: 2, groups: 32}}},
	{"stride over more lines than the window has", []shape{
		{c: 16, h: 20, w: 14, k: 16, kh: 1, kw: 1}, {c: 16, h: 20, w: 14, k: 16, kh: 2, kw: 2, sh: 3, sw: 3, groups: 16}, {c: 16, h: 7, w: 5, k: 16, kh: 1, kw: 1}}},
	{"planes first, padded channels", []shape{
		{c: 3, lanes: -1, h: 21, w: 19, k: 24, kh: 3, kw: 3, sh: 2, sw: 2, top: 1, left: 1, bot: 1, rt: 1},
		{c: 24, h: 11, w: 10, k: 24, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 24}, {c: 24, h: 11, w: 10, k: 17, kh: 1, kw: 1}}},
	{"a depthwise window first, then a dilated one", []shape{
		{c: 16, h: 12, w: 12, k: 16, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 16},
		{c: 16, h: 12, w: 12, k: 16, kh: 3, kw: 3, dh: 2, dw: 2, top: 2, left: 2, bot: 2, rt: 2, groups: 16}}},
	{"a strip that does not fit what it should", []shape{
		{c: 16, h: 4, w: 140, k: 640, kh: 1, kw: 1}, {c: 640, h: 4, w: 140, k: 640, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 640}}},
}

// TestChain holds chains to their convolutions one after the other, with and without functions, for one worker and for several.
func TestChain(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	double := functionOf(func(x float32) float32 { return 2*x + 1 })
	for _, c := range chains {
		for _, features := range levels() {
			for _, format := range []gemm.Format{gemm.FP32, gemm.BF16} {
				for _, then := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%v/%v/%v", c.reason, features, format, then), func(t *testing.T) {
						plans := chainOf(t, c.links, features, format)
						if then {
							for i := range plans {
								plans[i] = plans[i].Then(double)
							}
						}
						checkChain(t, team, plans)
					})
				}
			}
		}
	}
}

// chainOf plans each of some convolutions in the way that goes by lines.
func chainOf(t *testing.T, links []shape, features cpu.Features, format gemm.Format) []*Plan {
	r := rand.New(rand.NewPCG(3, 4))
	plans := make([]*Plan, len(links))
	for i := len(links) - 1; i >= 0; i-- {
		g := links[i].geometry()
		if format == gemm.BF16 && g.In.planar() {
			t.Skip("products of bfloat16 don't read planes")
		}
		if i < len(links)-1 {
			g.Out = plans[i+1].geometry.In
		}
		weights := make([]float32, g.Out.Channels*g.In.Channels/g.Groups*g.KernelH*g.KernelW)
		for k := range weights {
			weights[k] = r.Float32() - 0.5
		}
		bias := make([]float32, g.Out.Channels)
		for k := range bias {
			bias[k] = r.Float32()
		}
		way := "direct"
		if fitsDepthwise(features, format, g) {
			way = "depthwise"
		}
		var err error
		if plans[i], err = PrepareAs(way, nil, features, format, g, weights, gemm.Epilogue{Clamp: gemm.Clamp{Lo: -1, Hi: 2}, Bias: bias}); err != nil {
			t.Fatal(err)
		}
	}
	return plans
}

func checkChain(t *testing.T, team *parallel.Team, plans []*Plan) {
	r := rand.New(rand.NewPCG(5, 6))
	random := func(m Image, n int, mixed bool) Buffer {
		x := make([]float32, m.Size(n))
		fill(r, plans[0].format, x, m, n)
		return buffer(t, x, mixed)
	}
	mixed := plans[0].inputsBF16()
	first, last := &plans[0].geometry, &plans[len(plans)-1].geometry
	in := random(first.In, first.N, mixed)
	var residual Buffer
	if last.hasResidual() {
		residual = random(last.Residual, first.N, mixed)
	}
	x := in
	for i, p := range plans {
		y, res := buffer(t, make([]float32, p.geometry.Out.Size(first.N)), mixed), Buffer{}
		if i == len(plans)-1 {
			res = residual
		}
		p.Bind(1, nil).Run(nil, x, y, res)
		x = y
	}
	for workers, team := range []*parallel.Team{nil, team} {
		workers = 1 + 2*workers
		chain, ok := Chain(workers, plans...)
		if !ok {
			t.Fatal("no chain")
		}
		scratch := fenced[byte](t, chain.Scratch())
		for i := range scratch {
			scratch[i] = 0xff // NaN
		}
		y := buffer(t, make([]float32, last.Out.Size(first.N)), mixed)
		call := chain.Bind(workers, scratch)
		for range 2 {
			call.Run(team, in, y, residual)
		}
		for n := range first.N {
			for c := range last.Out.Channels {
				for row := range last.Out.Height {
					for col := range last.Out.Width {
						i := last.Out.Index(n, c, row, col)
						got, want, tolerance := valueAt(y, i), valueAt(x, i), 1e-5
						if mixed {
							tolerance = 0x1p-6
						}
						if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
							t.Fatalf("%s, %d workers: image %d, channel %d, pixel %d,%d is %g, want %g", chain.Class(), workers, n, c, row, col, got, want)
						}
					}
				}
			}
		}
	}
}

func valueAt(b Buffer, i int) float64 {
	if b.BF16 != nil {
		return float64(widen(b.BF16[i]))
	}
	return float64(b.F32[i])
}

// TestChainRefuses lists what can't be computed by lines.
func TestChainRefuses(t *testing.T) {
	plan := func(s shape, residual bool) *Plan {
		s.residual = residual
		g := s.geometry()
		p, err := Prepare(nil, cpu.Detect(), gemm.FP32, g, make([]float32, g.Out.Channels*g.In.Channels/g.Groups*g.KernelH*g.KernelW), gemm.Epilogue{Clamp: gemm.Unbounded()})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	one := shape{c: 16, h: 8, w: 8, k: 16, kh: 1, kw: 1}
	wide := shape{c: 16, h: 8, w: 9, k: 16, kh: 1, kw: 1}
	for reason, plans := range map[string][]*Plan{
		"images that differ":     {plan(one, false), plan(wide, false)},
		"a residual in between":  {plan(one, true), plan(one, false)},
		"a chain within a chain": {mustChain(t, plan(one, false), plan(one, false)), plan(one, false)},
	} {
		if _, ok := Chain(1, plans...); ok {
			t.Errorf("%s: chained", reason)
		}
	}
}

func mustChain(t *testing.T, plans ...*Plan) *Plan {
	p, ok := Chain(1, plans...)
	if !ok {
		t.Fatal("no chain")
	}
	return p
}
