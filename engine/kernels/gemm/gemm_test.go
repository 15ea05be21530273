package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/x448/float16"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

func TestTileLayout(t *testing.T) {
	var x Tile
	var state amxState
	var job amxJob
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"Taps", unsafe.Offsetof(x.Taps), 0},
		{"Tap", unsafe.Offsetof(x.Tap), 8},
		{"K", unsafe.Offsetof(x.K), 16},
		{"A", unsafe.Offsetof(x.A), 24},
		{"Lda", unsafe.Offsetof(x.Lda), 32},
		{"B", unsafe.Offsetof(x.B), 40},
		{"C", unsafe.Offsetof(x.C), 48},
		{"Ldc", unsafe.Offsetof(x.Ldc), 56},
		{"Bias", unsafe.Offsetof(x.Bias), 64},
		{"Residual", unsafe.Offsetof(x.Residual), 72},
		{"Sparse", unsafe.Offsetof(x.Sparse), 184},
		{"Ldr", unsafe.Offsetof(x.Ldr), 80},
		{"Prefetch", unsafe.Offsetof(x.Prefetch), 88},
		{"Lo", unsafe.Offsetof(x.Lo), 96},
		{"Hi", unsafe.Offsetof(x.Hi), 100},
		{"Cols", unsafe.Offsetof(x.Cols), 104},
		{"Odd", unsafe.Offsetof(x.Odd), 112},
		{"Rows", unsafe.Offsetof(x.Rows), 120},
		{"state", unsafe.Offsetof(x.state), 136},
		{"Line", unsafe.Offsetof(x.Line), 144},
		{"Gap", unsafe.Offsetof(x.Gap), 152},
		{"SkipC", unsafe.Offsetof(x.SkipC), 168},
		{"SkipR", unsafe.Offsetof(x.SkipR), 176},
		{"Sparse", unsafe.Offsetof(x.Sparse), 184},
		{"amxState.chunks", unsafe.Offsetof(state.chunks), 64},
		{"amxState.pairs", unsafe.Offsetof(state.pairs), 72},
		{"amxState.below", unsafe.Offsetof(state.below), 80},
		{"amxState.stepB", unsafe.Offsetof(state.stepB), 88},
		{"amxState.count", unsafe.Offsetof(state.count), 96},
		{"amxState.next", unsafe.Offsetof(state.next), 104},
		{"amxState.direct", unsafe.Offsetof(state.direct), 120},
		{"amxState.plane", unsafe.Offsetof(state.plane), 128},
		{"amxState.bias", unsafe.Offsetof(state.bias), 192},
		{"amxState.scratch", unsafe.Offsetof(state.scratch), 320},
		{"amxJob.c", unsafe.Offsetof(job.c), 8},
		{"amxJob.residual", unsafe.Offsetof(job.residual), 16},
		{"amxJob.prefetch", unsafe.Offsetof(job.prefetch), 24},
		{"amxJob.left", unsafe.Offsetof(job.left), 32},
		{"amxJob.special", unsafe.Offsetof(job.special), 40},
		{"amxJob.rows", unsafe.Offsetof(job.rows), 48},
		{"an amxJob", unsafe.Sizeof(job), 56},
		{"the jobs of a call", uintptr(len(state.jobs)), 16},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && f.got != f.want {
			t.Errorf("%s is at %d, _asm/gemm expects %d", f.name, f.got, f.want)
		}
	}
	if unsafe.Sizeof(x)%64 != 0 {
		t.Errorf("Tile of %d bytes: workers' tiles share cache lines", unsafe.Sizeof(x))
	}
}

// problem is one product with all that surrounds it.
type problem struct {
	m, n, k        int
	bias, residual bool
	clamp          Clamp
	bf16Out        bool
	transposed     bool
	extraA, extraC int // row gaps
	threads        int
	lend           bool
}

func (p problem) String() string {
	return fmt.Sprintf("%dx%dx%d bias=%v residual=%v clamp=%v bf16Out=%v transposed=%v gaps=%d,%d threads=%d lend=%v",
		p.m, p.n, p.k, p.bias, p.residual, p.clamp, p.bf16Out, p.transposed, p.extraA, p.extraC, p.threads, p.lend)
}

func randoms(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

// check multiplies with the kernel's family, operands fenced by unreadable
// pages, and compares with sums in binary64 of the values that the format holds.
func check(t *testing.T, kernel Kernel, p problem) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(p.m), uint64(p.n*1000+p.k)))
	lda, ldc := p.k+p.extraA, p.n+p.extraC
	mixed := kernel.Format == BF16

	b := randoms(r, p.k*p.n)
	at := func(k, n int) float32 { return b[k*p.n+n] }
	ldb := p.n
	if p.transposed {
		at = func(k, n int) float32 { return b[n*p.k+k] }
		ldb = p.k
	}
	if !kernel.takes(p.k) {
		return
	}
	panels, err := Pack(nil, kernel, b, p.k, p.n, ldb, p.transposed)
	if err != nil {
		t.Fatal(err)
	}

	a := Matrix{Stride: lda}
	values := randoms(r, (p.m-1)*lda+p.k)
	if mixed {
		a.BF16 = fenced[uint16](t, len(values))
		for i, v := range values {
			a.BF16[i] = narrow(v)
			values[i] = widen(a.BF16[i])
		}
	} else {
		a.F32 = fenced[float32](t, len(values))
		copy(a.F32, values)
	}
	e := Epilogue{Clamp: p.clamp}
	if p.bias {
		e.Bias = fenced[float32](t, p.n)
		copy(e.Bias, randoms(r, p.n))
	}
	size := (p.m-1)*ldc + p.n
	c, res := Matrix{Stride: ldc}, Matrix{}
	residual := randoms(r, size)
	const untouched = 77
	if p.bf16Out {
		c.BF16 = fenced[uint16](t, size)
		for i := range c.BF16 {
			c.BF16[i] = untouched
		}
	} else {
		c.F32 = fenced[float32](t, size)
		for i := range c.F32 {
			c.F32[i] = untouched
		}
	}
	if p.residual {
		res.Stride = ldc
		if p.bf16Out {
			res.BF16 = fenced[uint16](t, size)
			for i, v := range residual {
				res.BF16[i] = narrow(v)
				residual[i] = widen(res.BF16[i])
			}
		} else {
			res.F32 = fenced[float32](t, size)
			copy(res.F32, residual)
		}
	}

	call, err := panels.Bind(p.m, max(1, p.threads), e)
	if err != nil {
		t.Fatal(err)
	}
	var team *parallel.Team
	if p.threads > 1 {
		team = parallel.New(p.threads)
		defer team.Close()
	}
	if p.lend {
		call.Lend(fenced[byte](t, panels.Scratch(p.m)))
	}
	call.Run(team, a, c, res)

	columns := make([]float64, p.k*p.n)
	for i := range columns {
		columns[i] = float64(stored(kernel.Format, at(i%p.k, i/p.k)))
	}
	for i := range size {
		row, col := i/ldc, i%ldc
		var got float64
		if p.bf16Out {
			if col >= p.n {
				if c.BF16[i] != untouched {
					t.Fatalf("%v %v: wrote outside C at row %d, column %d", kernel, p, row, col)
				}
				continue
			}
			got = float64(widen(c.BF16[i]))
		} else {
			if col >= p.n {
				if c.F32[i] != untouched {
					t.Fatalf("%v %v: wrote outside C at row %d, column %d", kernel, p, row, col)
				}
				continue
			}
			got = float64(c.F32[i])
		}
		sum, scale := product(values[row*lda:][:p.k], columns[col*p.k:])
		if p.bias {
			sum += float64(e.Bias[col])
		}
		if p.residual {
			sum += float64(residual[i])
		}
		want := math.Min(math.Max(sum, float64(p.clamp.Lo)), float64(p.clamp.Hi))
		tolerance := 1e-6 * (scale + 2)
		if p.bf16Out {
			tolerance += math.Abs(want) / 256
		}
		if !(math.Abs(got-want) <= tolerance) {
			t.Fatalf("%v %v: C[%d][%d] is %v, want %v ± %v", kernel, p, row, col, got, want, tolerance)
		}
	}
}

// product is the sum of a[k]·b[k], and that of the absolute values. The race detector, which would make it the longest part of a test, does not watch it.
//
//go:norace
func product(a []float32, b []float64) (sum, scale float64) {
	b = b[:len(a)]
	for k, x := range a {
		x := float64(x) * b[k]
		sum += x
		scale += math.Abs(x)
	}
	return sum, scale
}

// stored is what a format keeps of x.
func stored(f Format, x float32) float32 {
	switch f {
	case BF16:
		return widen(narrow(x))
	case FP16:
		return float16.Fromfloat32(x).Float32()
	}
	return x
}

// runnable skips, naming the need, what this machine cannot run.
func runnable(t *testing.T, k Kernel) {
	if !k.Runnable(cpu.Detect()) {
		t.Skipf("%v needs %v in a build with its assembly; this machine has %v", k, k.Needs, cpu.Detect())
	}
}

// TestFamilies runs each row of the table, by way of products that use it.
func TestFamilies(t *testing.T) {
	for _, f := range families {
		t.Run(f.String(), func(t *testing.T) {
			runnable(t, f)
			for m := 1; m <= f.MR; m++ {
				for _, n := range []int{1, 15, 16, 17, 31, 32, 33, 49, 64} {
					check(t, f, problem{m: m, n: n, k: 1 + (m*7+n)%23, clamp: Unbounded()})
					check(t, f, problem{m: m, n: n, k: 8 * (1 + (m+n)%13), clamp: Unbounded()})
				}
			}
			for k := 1; k <= 18; k++ {
				check(t, f, problem{m: 3, n: 20, k: k, clamp: Unbounded()})
				check(t, f, problem{m: f.MR, n: 40, k: k, clamp: ReLU(), transposed: true, bias: true})
			}
			for i := range 32 {
				p := problem{m: 2*f.MR + 1, n: 45, k: 37 + 11*(i&1), clamp: Unbounded(),
					bias: i&1 != 0, residual: i&2 != 0, transposed: i&4 != 0, bf16Out: i&8 != 0 && f.Format == BF16}
				if i&16 != 0 {
					p.clamp, p.extraA, p.extraC, p.threads = Clamp{-0.5, 1.5}, 3, 5, 2
				}
				check(t, f, p)
			}
		})
	}
}

func TestRowsOfTableAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kernels() {
		if seen[k.String()] {
			t.Errorf("%v is there twice", k)
		}
		seen[k.String()] = true
	}
	if len(seen) < len(families)*4 {
		t.Errorf("only %d kernels", len(seen))
	}
}

func TestChooseFallsBack(t *testing.T) {
	for _, f := range []Format{FP32, BF16, FP16} {
		if k := Choose(0, f, 5, 5, 5); k.Vector() {
			t.Errorf("%v on a plain machine is %v", f, k)
		}
	}
}

func TestMixedPays(t *testing.T) {
	dots := cpu.AVX2 | cpu.FMA | cpu.AVX512 | cpu.AVX512BF16
	if !Choose(dots, BF16, 1, 1, 1).Vector() {
		t.Skip("no vector kernels in this build")
	}
	for _, c := range []struct {
		reason   string
		features cpu.Features
		k        int
		want     bool
	}{
		{"Go code", 0, 64, false},
		{"no bfloat16 instructions", cpu.AVX512, 64, false},
		{"dot products", dots, 21, true},
		{"tiles that k does not fit", dots | cpu.AMXBF16, 21, false},
	} {
		if got := MixedPays(c.features, c.k); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}

// TestNaN holds clamps to let NaN through, as a comparison-based clamp does.
func TestNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, f := range families {
		t.Run(f.String(), func(t *testing.T) {
			runnable(t, f)
			ones := []float32{1, 1, 1, 1, 1, 1, 1, 1}
			panels, err := Pack(nil, f, ones, 8, 1, 1, false)
			if err != nil {
				t.Fatal(err)
			}
			call, err := panels.Bind(1, 1, Epilogue{Clamp: ReLU()})
			if err != nil {
				t.Fatal(err)
			}
			a := Matrix{F32: append([]float32{nan}, ones[:7]...), BF16: make([]uint16, 8), Stride: 8}
			a.BF16[0] = narrow(nan)
			c := Matrix{F32: []float32{5}, Stride: 1}
			call.Run(nil, a, c, Matrix{})
			if c.F32[0] == c.F32[0] {
				t.Errorf("NaN + … clamped at zero is %v", c.F32[0])
			}
		})
	}
}

// TestInPlaceResidual adds into C itself.
func TestInPlaceResidual(t *testing.T) {
	k := Choose(cpu.Detect(), FP32, 4, 20, 1)
	b := make([]float32, 20)
	for i := range b {
		b[i] = 1
	}
	panels, err := Pack(nil, k, b, 1, 20, 20, false)
	if err != nil {
		t.Fatal(err)
	}
	call, err := panels.Bind(4, 1, Epilogue{Clamp: Unbounded()})
	if err != nil {
		t.Fatal(err)
	}
	c := Matrix{F32: make([]float32, 80), Stride: 20}
	for i := range c.F32 {
		c.F32[i] = float32(i)
	}
	call.Run(nil, Matrix{F32: []float32{1, 2, 3, 4}, Stride: 1}, c, c)
	for i, got := range c.F32 {
		if want := float32(i + i/20 + 1); got != want {
			t.Fatalf("C[%d] is %v, want %v", i, got, want)
		}
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	k := Choose(cpu.Detect(), FP32, 30, 70, 40)
	arena := NewArena()
	panels, err := Pack(arena, k, make([]float32, 70*40), 40, 70, 70, false)
	if err != nil {
		t.Fatal(err)
	}
	team := parallel.New(2)
	defer team.Close()
	call, err := panels.Bind(30, 2, Epilogue{Clamp: Unbounded()})
	if err != nil {
		t.Fatal(err)
	}
	a := Matrix{F32: make([]float32, 30*40), Stride: 40}
	c := Matrix{F32: make([]float32, 30*70), Stride: 70}
	if n := testing.AllocsPerRun(20, func() { call.Run(team, a, c, Matrix{}) }); n != 0 {
		t.Errorf("Run allocates %v times", n)
	}
}

func TestBadInput(t *testing.T) {
	k := Choose(0, FP32, 1, 1, 1)
	for _, c := range []struct {
		reason string
		b      int
		k, n   int
		ldb    int
		t      bool
	}{
		{"too few elements", 11, 3, 4, 4, false},
		{"rows closer than they are long", 12, 3, 4, 3, false},
		{"the same, transposed", 12, 3, 4, 2, true},
		{"no columns", 12, 3, 0, 4, false},
		{"no rows", 12, 0, 4, 4, false},
	} {
		if _, err := Pack(nil, k, make([]float32, c.b), c.k, c.n, c.ldb, c.t); err == nil {
			t.Errorf("%s: no error", c.reason)
		}
	}
	panels, err := Pack(nil, k, make([]float32, 12), 3, 4, 4, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := panels.Bind(1, 1, Epilogue{Bias: make([]float32, 3)}); err == nil {
		t.Error("three bias values for four columns: no error")
	}
}

func FuzzMul(f *testing.F) {
	f.Add(uint8(7), uint8(33), uint8(21), uint8(3))
	f.Add(uint8(15), uint8(16), uint8(1), uint8(12))
	f.Fuzz(func(t *testing.T, m, n, k, flags uint8) {
		for _, family := range families {
			if !family.Runnable(cpu.Detect()) {
				continue
			}
			check(t, family, problem{m: int(m)%40 + 1, n: int(n)%100 + 1, k: int(k) + 1, clamp: ReLU(),
				bias: flags&1 != 0, residual: flags&2 != 0, transposed: flags&4 != 0, extraC: int(flags >> 6),
				bf16Out: flags&8 != 0 && family.Format == BF16})
		}
	})
}
