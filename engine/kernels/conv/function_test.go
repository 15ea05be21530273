package conv

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// TestThen holds a function after a convolution to the same function of what the convolution gives: one that leaves zeros zero and one that does not, where
// neither padding nor channels beside a slice may change.
func TestThen(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	functions := map[string]func(x float32) float32{
		"doubled":       func(x float32) float32 { return 2 * x },
		"one is added":  func(x float32) float32 { return x + 1 },
		"one for zeros": func(x float32) float32 { return max(x, 1) },
	}
	for _, s := range shapes {
		for _, format := range []gemm.Format{gemm.FP32, gemm.BF16} {
			p := newProblem(t, s, format, gemm.Unbounded(), format == gemm.BF16)
			for name, f := range functions {
				t.Run(fmt.Sprintf("%s/%v/%s", s.reason, format, name), func(t *testing.T) { checkThen(t, team, p, functionOf(f)) })
			}
		}
	}
}

func functionOf(f func(x float32) float32) Function {
	return Function{
		F32: func(x []float32) {
			for i, v := range x {
				x[i] = f(v)
			}
		},
		BF16: func(x []uint16) {
			for i, v := range x {
				x[i] = narrow(f(widen(v)))
			}
		},
	}
}

func checkThen(t *testing.T, team *parallel.Team, p problem, then Function) {
	for _, features := range levels() {
		plan, err := Prepare(nil, features, p.format, p.g, p.weights, p.epilogue)
		if err != nil {
			t.Fatal(err)
		}
		for threads := 1; threads <= 2; threads++ {
			var outs [2]Buffer
			for i, q := range []*Plan{plan, plan.Then(then)} {
				if outs[i].F32 = make([]float32, len(p.want)); p.bf16Out {
					outs[i] = Buffer{BF16: make([]uint16, len(p.want))}
				}
				if threads == 1 {
					q.Bind(1, nil).Run(nil, p.in, outs[i], p.res)
				} else {
					q.Bind(2, nil).Run(team, p.in, outs[i], p.res)
				}
			}
			for i, w := range p.want {
				if w == untouched {
					continue
				}
				if p.bf16Out {
					then.BF16(outs[0].BF16[i : i+1])
				} else {
					then.F32(outs[0].F32[i : i+1])
				}
			}
			for i := range p.want {
				if p.bf16Out && outs[0].BF16[i] != outs[1].BF16[i] || !p.bf16Out && outs[0].F32[i] != outs[1].F32[i] {
					within := ""
					if p.want[i] == untouched {
						within = ", outside of the image"
					}
					t.Fatalf("%s, %d threads: element %d differs%s", plan.Class(), threads, i, within)
				}
			}
		}
	}
}
