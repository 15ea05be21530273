package gemm

import (
	"testing"

	"github.com/eiplan/eiplan/engine/parallel"
)

// TestDepth multiplies where A is too large for the cache, or its rows lie in
// one set of it, and checks that these are the cases it takes them for.
func TestDepth(t *testing.T) {
	for _, f := range families {
		t.Run(f.String(), func(t *testing.T) {
			runnable(t, f)
			for _, c := range []struct {
				reason    string
				p         problem
				cut, copy bool
			}{
				{"k in two, the second shorter", problem{m: 150, n: 130, k: 1030, clamp: ReLU(), bias: true}, true, false},
				{"all that an epilogue has", problem{m: 129, n: 140, k: 1041, clamp: Clamp{-0.5, 1.5}, bias: true, residual: true, extraA: 3, extraC: 5}, true, false},
				{"several threads, groups of panels", problem{m: 129, n: 350, k: 1041, clamp: ReLU(), residual: true, threads: 3}, true, false},
				{"few columns", problem{m: 150, n: 20, k: 1030, clamp: ReLU()}, false, false},
				{"rows of one page", problem{m: 23, n: 260, k: 1024, clamp: Unbounded(), bias: true, lend: true}, false, true},
				{"rows of two pages, cut", problem{m: 66, n: 260, k: 2048, clamp: ReLU(), bias: true, residual: true, lend: true}, true, true},
				{"the same by a team, with gaps between the rows", problem{m: 66, n: 260, k: 2048, clamp: ReLU(), extraA: 3, lend: true, threads: 2}, true, true},
			} {
				if f.Format == BF16 && (c.cut || c.copy) {
					c.cut, c.copy, c.p.n = false, false, 20
				}
				if f.MR <= ways {
					c.copy = false
				}
				if f.Splits() {
					c.copy = true
				}
				p := &Panels{kernel: f, taps: 1, k: c.p.k, n: c.p.n}
				if got := p.depthOf(c.p.m) < c.p.k; got != c.cut {
					t.Errorf("%s: cut: %v", c.reason, got)
				}
				if got := p.Scratch(c.p.m) > 0; got != c.copy {
					t.Errorf("%s: wants memory: %v", c.reason, got)
				}
				check(t, f, c.p)
			}
		})
	}
}

// TestLend gives a call too little memory, and then takes it away.
func TestLend(t *testing.T) {
	const m, n, k = 20, 256, 1024
	kernel := families[0]
	runnable(t, kernel)
	panels, err := Pack(nil, kernel, make([]float32, k*n), k, n, n, false)
	if err != nil {
		t.Fatal(err)
	}
	call, err := panels.Bind(m, 1, Epilogue{Clamp: Unbounded()})
	if err != nil {
		t.Fatal(err)
	}
	size := panels.Scratch(m)
	for _, c := range []struct {
		bytes int
		used  bool
	}{{size, true}, {size - 1, false}, {size + 64, true}, {0, false}} {
		scratch := make([]byte, c.bytes)
		for i := range scratch {
			scratch[i] = 1
		}
		call.Lend(scratch)
		call.Run((*parallel.Team)(nil), Matrix{F32: make([]float32, m*k), Stride: k}, Matrix{F32: make([]float32, m*n), Stride: n}, Matrix{})
		if used := c.bytes > 0 && scratch[0] == 0; used != c.used {
			t.Errorf("%d of %d bytes: used: %v", c.bytes, size, used)
		}
	}
}
