package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// levels are the machines that tests pretend to have.
func levels() []cpu.Features {
	here := cpu.Detect()
	all := []cpu.Features{0}
	for _, l := range []cpu.Level{cpu.LevelAVX2, cpu.LevelAVX512, cpu.LevelAVX512BF16, cpu.LevelAMX, cpu.LevelNEON, cpu.LevelNEONBF16} {
		if f := here.Cap(l); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

func TestProducts(t *testing.T) {
	for _, s := range []struct {
		reason     string
		m, n, k    int
		count      int
		transposed bool
	}{
		{"one of each", 1, 1, 1, 1, false},
		{"one of each, transposed", 1, 1, 1, 1, true},
		{"scores of attention heads", 33, 33, 64, 3, true},
		{"scores with odd tails", 15, 49, 21, 2, true},
		{"weighted values", 33, 64, 33, 3, false},
		{"odd k", 5, 17, 7, 2, false},
		{"fewer columns than lanes", 4, 5, 40, 2, true},
		{"more workers than panels", 100, 10, 12, 1, false},
	} {
		for _, features := range levels() {
			for _, format := range []Format{FP32, BF16} {
				for _, bf16Out := range []bool{false, true}[:1+int(format)] {
					t.Run(fmt.Sprintf("%s/%v/%v/%v", s.reason, features.Level(), format, bf16Out), func(t *testing.T) {
						p := Products{Format: format, M: s.m, N: s.n, K: s.k, Transposed: s.transposed, Clamp: Unbounded()}
						checkProducts(t, features, p, s.count, bf16Out)
					})
				}
			}
		}
	}
}

// checkProducts interleaves the matrices as heads lie in a layer's rows.
func checkProducts(t *testing.T, features cpu.Features, p Products, count int, bf16Out bool) {
	rows, cols := p.K, p.N
	if p.Transposed {
		rows, cols = cols, rows
	}
	for i := range count {
		p.A = append(p.A, (count-1-i)*p.K)
		p.B = append(p.B, i*cols)
		p.C = append(p.C, i*p.N)
	}
	r := rand.New(rand.NewPCG(9, uint64(p.M)))
	a, av := operand(t, r, p.M*p.K*count, p.K*count, p.Format)
	b, bv := operand(t, r, rows*cols*count, cols*count, p.Format)
	c := Matrix{Stride: p.N * count}
	if bf16Out {
		c.BF16 = fenced[uint16](t, p.M*c.Stride)
	} else {
		c.F32 = fenced[float32](t, p.M*c.Stride)
	}
	batch, err := p.Bind(features, 2)
	if err != nil {
		t.Fatal(err)
	}
	team := parallel.New(2)
	defer team.Close()
	batch.Run(team, a, b, c)
	if n := testing.AllocsPerRun(2, func() { batch.Run(team, a, b, c) }); n != 0 {
		t.Errorf("Run allocates %v times", n)
	}
	for i := range count {
		for row := range p.M {
			for col := range p.N {
				var want float64
				for k := range p.K {
					y := bv[p.B[i]+k*b.Stride*btoi(!p.Transposed)+col*btoi(!p.Transposed)+btoi(p.Transposed)*(col*b.Stride+k)]
					want += float64(av[p.A[i]+row*a.Stride+k]) * float64(y)
				}
				at := p.C[i] + row*c.Stride + col
				tolerance := 1e-6 * float64(p.K+1)
				var got float64
				if bf16Out {
					got = float64(widen(c.BF16[at]))
					tolerance += math.Abs(want) / 256
				} else {
					got = float64(c.F32[at])
				}
				if !(math.Abs(got-want) <= tolerance) {
					t.Fatalf("%v: product %d: C[%d][%d] is %v, want %v", batch.Kernel(), i, row, col, got, want)
				}
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// operand is a fenced random matrix and the values it holds.
func operand(t *testing.T, r *rand.Rand, n, stride int, f Format) (Matrix, []float32) {
	m, values := Matrix{Stride: stride}, randoms(r, n)
	if f == BF16 {
		m.BF16 = fenced[uint16](t, n)
		for i, v := range values {
			m.BF16[i] = narrow(v)
			values[i] = widen(m.BF16[i])
		}
		return m, values
	}
	m.F32 = fenced[float32](t, n)
	copy(m.F32, values)
	return m, values
}

func TestBadProducts(t *testing.T) {
	good := Products{M: 1, N: 1, K: 1, A: []int{0}, B: []int{0}, C: []int{0}}
	for _, c := range []struct {
		reason string
		change func(*Products)
	}{
		{"no rows", func(p *Products) { p.M = 0 }},
		{"no product", func(p *Products) { p.A, p.B, p.C = nil, nil, nil }},
		{"lists of unequal length", func(p *Products) { p.B = []int{0, 0} }},
		{"negative offset", func(p *Products) { p.C = []int{-1} }},
		{"half precision B", func(p *Products) { p.Format = FP16 }},
	} {
		p := good
		c.change(&p)
		if _, err := p.Bind(0, 1); err == nil {
			t.Errorf("%s: no error", c.reason)
		}
	}
	if _, err := good.Bind(0, 1); err != nil {
		t.Errorf("good products: %v", err)
	}
}
