package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
)

func BenchmarkMul(b *testing.B) {
	for _, s := range [][3]int{{128, 768, 768}, {128, 3072, 768}, {1024, 1024, 1024}, {3136, 64, 64}, {1, 3072, 768}} {
		for _, f := range families {
			if f.Runnable(cpu.Detect()) && f.Vector() {
				b.Run(fmt.Sprintf("%v/%dx%dx%d", f, s[0], s[1], s[2]), func(b *testing.B) {
					benchmarkMul(b, f, s[0], s[1], s[2])
				})
			}
		}
	}
}

func benchmarkMul(b *testing.B, kernel Kernel, m, n, k int) {
	r := rand.New(rand.NewPCG(1, 2))
	panels, err := Pack(NewArena(), kernel, randoms(r, n*k), k, n, n, false)
	if err != nil {
		b.Fatal(err)
	}
	call, err := panels.Bind(m, 1, Epilogue{Clamp: ReLU(), Bias: randoms(r, n)})
	if err != nil {
		b.Fatal(err)
	}
	a := Matrix{F32: randoms(r, m*k), BF16: make([]uint16, m*k), Stride: k}
	for i, v := range a.F32 {
		a.BF16[i] = narrow(v)
	}
	c := Matrix{F32: make([]float32, m*n), Stride: n}
	for b.Loop() {
		call.Run(nil, a, c, Matrix{})
	}
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
}
