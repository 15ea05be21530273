package gemm

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func TestAMXChunk(t *testing.T) {
	for _, c := range []struct {
		reason  string
		k, want int
	}{
		{"whole tiles", 768, 16},
		{"one short tile", 24, 12},
		{"three of eight pairs", 48, 12},
		{"half a pair", 21, 0},
		{"a prime number of pairs", 2 * 17, 0},
		{"too few pairs", 6, 0},
	} {
		if got := amxChunk(c.k); got != c.want {
			t.Errorf("%s: k %d in chunks of %d pairs, want %d", c.reason, c.k, got, c.want)
		}
	}
}

// TestInterruption multiplies in more goroutines than there are threads, while
// the collector stops them all: what a kernel holds in registers and tiles must
// outlive signals and changes of context.
func TestInterruption(t *testing.T) {
	const m, n, k = 70, 96, 512
	for _, f := range families {
		t.Run(f.String(), func(t *testing.T) {
			runnable(t, f)
			if !f.Vector() {
				t.Skip("Go code")
			}
			var running sync.WaitGroup
			for i := range 2*runtime.GOMAXPROCS(0) + 1 {
				running.Go(func() { repeat(t, f, m, n, k, uint64(i)) })
			}
			done := make(chan struct{})
			go func() { running.Wait(); close(done) }()
			for {
				select {
				case <-done:
					return
				default:
					runtime.GC()
				}
			}
		})
	}
}

// repeat holds a product to the same result time and again.
func repeat(t *testing.T, f Kernel, m, n, k int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	panels, err := Pack(nil, f, randoms(r, k*n), k, n, n, false)
	if err != nil {
		t.Error(err)
		return
	}
	call, err := panels.Bind(m, 1, Epilogue{Bias: randoms(r, n), Clamp: ReLU()})
	if err != nil {
		t.Error(err)
		return
	}
	a := Matrix{F32: randoms(r, m*k), BF16: make([]uint16, m*k), Stride: k}
	for i, x := range a.F32 {
		a.BF16[i] = narrow(x)
	}
	var first []float32
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for range rounds {
		c := Matrix{F32: make([]float32, m*n), Stride: n}
		call.Run(nil, a, c, Matrix{})
		if first == nil {
			first = c.F32
		}
		if !slices.Equal(c.F32, first) {
			t.Errorf("%v: a product came out differently the second time", f)
			return
		}
	}
}
