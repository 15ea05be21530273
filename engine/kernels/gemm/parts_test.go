package gemm

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
)

// TestParts holds parts to be exact, and to be as small as the bound on what is
// left out of a product by parts assumes.
func TestParts(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, x := range []float32{0, 1, -1, 1 + 1.0/(1<<23), 2 - 1.0/(1<<23), math.Pi, math.MaxFloat32, -math.MaxFloat32, greatestBF16, inf, -inf,
		math.Float32frombits(0x7F7F8000), math.Float32frombits(0x3FFFFFFF), math.Float32frombits(0x3F808000), math.Float32frombits(0x3F817FFF), 1.5e-30} {
		high, middle, low := parts(x)
		if got := whole(high, middle, low); got != x {
			t.Errorf("%v in parts comes to %v", x, got)
		}
		if x-x != 0 || x == 0 {
			continue
		}
		_, e := math.Frexp(float64(x))
		unit := math.Ldexp(1, e-1)
		if m, l := math.Abs(float64(widen(middle))), math.Abs(float64(widen(low))); math.Abs(float64(x)) <= float64(greatestBF16) && (m > unit/(1<<8) || l > unit/(1<<17)) {
			t.Errorf("%v has parts %v and %v", x, m/unit, l/unit)
		}
	}
	high, middle, low := parts(float32(math.NaN()))
	if x := whole(high, middle, low); x == x || middle != 0 || low != 0 {
		t.Errorf("NaN in parts comes to %v", x)
	}
	for bits := uint32(0x0D000000); bits < 0x7F800000; bits += 0x1FFF1 {
		x := math.Float32frombits(bits)
		if got := whole(parts(x)); got != x {
			t.Fatalf("%v in parts comes to %v", x, got)
		}
	}
}

// TestSplit holds the vector code to split into the same sums as the reference
// does, with low parts as small: only halves may go another way.
func TestSplit(t *testing.T) {
	if !splits || !cpu.Detect().Has(cpu.AVX512|cpu.AVX512BF16) {
		t.Skipf("no vector code to split with; this machine has %v", cpu.Detect())
	}
	special := []float32{0, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), -math.MaxFloat32, math.Float32frombits(0x7F800001)}
	r := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 150; n++ {
		for _, width := range []int{n, PartsWidth(n)} {
			src := fenced[float32](t, n)
			for i := range src {
				src[i] = float32(math.Ldexp(r.Float64()-0.5, r.IntN(60)-30))
				if r.IntN(9) == 0 {
					src[i] = special[r.IntN(len(special))]
				}
			}
			plane := 2 * width
			got, want := fenced[uint16](t, 3*width), make([]uint16, 3*width)
			splitVector(unsafe.Pointer(&got[0]), plane, unsafe.Pointer(&src[0]), n, width)
			splitReference(unsafe.Pointer(&want[0]), plane, unsafe.Pointer(&src[0]), n, width)
			for i := range width {
				g, w := whole(got[i], got[width+i], got[2*width+i]), whole(want[i], want[width+i], want[2*width+i])
				if g != w && (g == g || w == w) || math.Abs(float64(widen(got[2*width+i]))) > math.Abs(float64(w))/(1<<17) {
					t.Fatalf("%d of %d: element %d, %v: parts %x, %x, %x, want %x, %x, %x", n, width, i, src[min(i, n-1)],
						got[i], got[width+i], got[2*width+i], want[i], want[width+i], want[2*width+i])
				}
			}
		}
	}
}

// rms is the root of the mean square of the differences to products in binary64,
// over that of the products.
func rms(c, a, b []float32, m, n, k int) float64 {
	var difference, size float64
	for i := range m {
		for j := range n {
			var sum float64
			for l := range k {
				sum += float64(a[i*k+l]) * float64(b[l*n+j])
			}
			d := float64(c[i*n+j]) - sum
			difference += d * d
			size += sum * sum
		}
	}
	return math.Sqrt(difference / size)
}

// multiply is a product by kernel.
func multiply(t *testing.T, kernel Kernel, a, b []float32, m, n, k int) []float32 {
	panels, err := Pack(nil, kernel, b, k, n, n, false)
	if err != nil {
		t.Fatal(err)
	}
	call, err := panels.Bind(m, 1, Epilogue{Clamp: Unbounded()})
	if err != nil {
		t.Fatal(err)
	}
	c := make([]float32, m*n)
	call.Run(nil, Matrix{F32: a, Stride: k}, Matrix{F32: c, Stride: n}, Matrix{})
	return c
}

// byParts runs a test for each kernel by parts that the machine has.
func byParts(t *testing.T, test func(*testing.T, Kernel)) {
	for _, f := range families {
		if f.Splits() {
			t.Run(f.String(), func(t *testing.T) {
				runnable(t, f)
				test(t, f)
			})
		}
	}
}

// TestPartsAreAccurate compares errors against sums in binary64: those of products
// by parts must not be larger than those of plain binary32.
func TestPartsAreAccurate(t *testing.T) { byParts(t, partsAreAccurate) }

func partsAreAccurate(t *testing.T, kernel Kernel) {
	plain := ChooseWhole(cpu.Detect(), FP32, 64, 96, 64)
	r := rand.New(rand.NewPCG(1, 9))
	for _, c := range []struct {
		reason  string
		k       int
		a, b    func() float32
		atLeast float64 // allowed whatever plain binary32 has
	}{
		{"both signs", 768, func() float32 { return r.Float32() - 0.5 }, func() float32 { return r.Float32() - 0.5 }, 0},
		{"all positive", 768, r.Float32, r.Float32, 0},
		{"few products", 32, func() float32 { return r.Float32() - 0.5 }, func() float32 { return r.Float32() - 0.5 }, 1e-7},
		{"of all sizes", 256, func() float32 { return float32(math.Exp(8 * r.NormFloat64())) }, func() float32 { return float32(r.NormFloat64()) }, 1e-7},
		{"a depth in blocks", 3100, func() float32 { return r.Float32() - 0.5 }, func() float32 { return r.Float32() - 0.5 }, 0},
		{"significands all ones", 64, func() float32 { return math.Float32frombits(0x3FFFFFFF) }, func() float32 { return math.Float32frombits(0x3FFFFFFF) }, 2e-7},
	} {
		const m, n = 64, 96
		a, b := make([]float32, m*c.k), make([]float32, c.k*n)
		for i := range a {
			a[i] = c.a()
		}
		for i := range b {
			b[i] = c.b()
		}
		got, limit := rms(multiply(t, kernel, a, b, m, n, c.k), a, b, m, n, c.k), max(c.atLeast, rms(multiply(t, plain, a, b, m, n, c.k), a, b, m, n, c.k))
		t.Logf("%s: %.2g, at most %.2g", c.reason, got, limit)
		if got > limit {
			t.Errorf("%s: relative error %g, at most %g", c.reason, got, limit)
		}
	}
}

// TestPartsOfSpecials multiplies what parts cannot hold in sums.
func TestPartsOfSpecials(t *testing.T) { byParts(t, partsOfSpecials) }

func partsOfSpecials(t *testing.T, kernel Kernel) {
	plain := ChooseWhole(cpu.Detect(), FP32, 40, 70, 50)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		reason string
		a, b   float32
	}{
		{"infinity", inf, 2}, {"minus infinity", -inf, 2}, {"infinity times zero", inf, 0}, {"infinity in B", 3, -inf}, {"both", inf, -inf},
		{"NaN", nan, 1}, {"NaN in B", 1, nan}, {"the largest number", math.MaxFloat32, 1}, {"the largest number, in B", 0.5, -math.MaxFloat32},
		{"overflow", math.MaxFloat32, 1.5}, {"nearly overflow", 1.8446743e19, 1.8446742e19},
	} {
		const m, n, k = 40, 70, 50
		r := rand.New(rand.NewPCG(1, 9))
		a, b := randoms(r, m*k), randoms(r, k*n)
		a[17*k+33], b[33*n+41] = c.a, c.b
		got, want := multiply(t, kernel, a, b, m, n, k), multiply(t, plain, a, b, m, n, k)
		for i, w := range want {
			if g := got[i]; g != w && (g == g || w == w) && !(math.Abs(float64(g-w)) <= 1e-5*(1+math.Abs(float64(w)))) {
				t.Fatalf("%s: C[%d][%d] is %v, %v without parts", c.reason, i/n, i%n, g, w)
			}
		}
	}
}

// TestPartsReference holds the reference, which does what tiles do not, to
// products in plain Go, on every machine.
func TestPartsReference(t *testing.T) {
	if splits && !cpu.Detect().Has(cpu.AVX512|cpu.AVX512BF16) {
		t.Skipf("packing needs AVX512_BF16; this machine has %v", cpu.Detect())
	}
	for _, f := range families {
		if f.Splits() {
			t.Run(f.String(), func(t *testing.T) { partsReference(t, f) })
		}
	}
}

func partsReference(t *testing.T, kernel Kernel) {
	const m, n, k = 5, 45, 70
	r := rand.New(rand.NewPCG(1, 9))
	a, b := randoms(r, m*k), randoms(r, k*n)
	panels, err := Pack(nil, kernel, b, k, n, n, false)
	if err != nil {
		t.Fatal(err)
	}
	width := PartsWidth(k)
	rows := make([]uint16, m*3*width)
	for i := range m {
		splitReference(unsafe.Pointer(&rows[i*3*width]), 2*width, unsafe.Pointer(&a[i*k]), k, width)
	}
	c := make([]float32, m*n)
	taps := panels.TapList([]int64{0})
	for panel := range panels.Count() {
		x := panels.Tiles(1, Unbounded())[0]
		x.B, x.Cols, x.Width = panels.panel(panel), panels.columns(panel), panels.width(panel)
		x.Rows, x.Taps, x.Tap = m, len(taps), &taps[0]
		x.A, x.Lda = unsafe.Pointer(&rows[0]), 6*width
		x.C, x.Ldc = unsafe.Pointer(&c[panels.First(panel)]), 4*n
		tileParts(&x, 2*width, kernel.slabs())
	}
	if e := rms(c, a, b, m, n, k); e > 2e-7 {
		t.Errorf("relative error %g", e)
	}
}
