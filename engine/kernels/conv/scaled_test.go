package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// TestPrepareScaled holds scaled convolutions to those of an input that has been multiplied, in a second run by other numbers.
func TestPrepareScaled(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	scale := func(dst, x []float32, s float32) {
		for i, v := range x {
			dst[i] = v * s
		}
	}
	tested := 0
	for _, s := range shapes {
		if !s.geometry().CanScale() {
			continue
		}
		tested++
		for i, features := range levels() {
			t.Run(fmt.Sprintf("%s/%v", s.reason, features), func(t *testing.T) {
				p := newProblem(t, s, gemm.FP32, gemm.Clamp{Lo: -1, Hi: 2}, false)
				scaled, err := PrepareScaled(nil, features, p.g, p.weights, p.epilogue, scale)
				if err != nil {
					t.Fatal(err)
				}
				plain, err := Prepare(nil, features, gemm.FP32, p.g, p.weights, p.epilogue)
				if err != nil {
					t.Fatal(err)
				}
				calls := []*Call{scaled.Bind(1, nil), scaled.Bind(2, fenced[byte](t, scaled.Scratch()))}
				r := rand.New(rand.NewPCG(uint64(i), 1))
				for run := range 4 {
					factors := make([]float32, p.g.In.Channels)
					for c := range factors {
						factors[c] = r.Float32()
					}
					in := Buffer{F32: make([]float32, len(p.in.F32))}
					for k, x := range p.in.F32 {
						in.F32[k] = x
						if c := (k - p.g.In.Origin%p.g.In.PixelPitch + p.g.In.PixelPitch) % p.g.In.PixelPitch; c < len(factors) {
							in.F32[k] *= factors[c]
						}
					}
					want, got := Buffer{F32: make([]float32, len(p.want))}, Buffer{F32: make([]float32, len(p.want))}
					plain.Bind(1, nil).Run(nil, in, want, p.res)
					call := calls[run%2]
					call.ScaleBy(factors)
					if run%2 == 0 {
						call.Run(nil, p.in, got, p.res)
					} else {
						call.Run(team, p.in, got, p.res)
					}
					for k := range want.F32 {
						if d := math.Abs(float64(got.F32[k] - want.F32[k])); !(d <= 1e-5) {
							t.Fatalf("run %d: element %d is %g, want %g", run, k, got.F32[k], want.F32[k])
						}
					}
				}
			})
		}
	}
	if tested < 4 {
		t.Errorf("%d shapes that can be scaled", tested)
	}
}
