package vector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// lengths covers nothing, less than a vector, whole vectors, whole unrolled
// turns and what lies around them.
var lengths = []int{0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 47, 63, 64, 65, 127, 128, 129, 191, 257}

// eachVariant runs test for the reference and every assembled variant that this
// machine can run, and names those that it can't.
func eachVariant(t *testing.T, test func(t *testing.T, f *Funcs)) {
	t.Run("generic", func(t *testing.T) { test(t, Reference()) })
	for _, v := range Variants() {
		t.Run(v.Name, func(t *testing.T) {
			f := assembled(v.Name)
			if f == nil {
				t.Skipf("NOT TESTED: %s is not in this build", v.Name)
			}
			if !cpu.Detect().Has(v.Needs) {
				t.Skipf("NOT TESTED: %s needs %v", v.Name, v.Needs)
			}
			test(t, f)
		})
	}
}

func TestForFallsBackToGo(t *testing.T) {
	if got := For(0).Variant; got != "generic" {
		t.Errorf("For(no features) = %s, want generic", got)
	}
	for _, v := range Variants() {
		if assembled(v.Name) == nil {
			continue
		}
		if got := For(v.Needs).Variant; got != v.Name {
			t.Errorf("For(%v) = %s, want %s", v.Needs, got, v.Name)
		}
	}
}

// specials are values at which formulas break.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 126.5, 255.5, -128.5,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-127, 0x1.fffffcp-127, 0x1p-126, -0x1p-126,
	math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.Float32frombits(0xffc12345), math.Float32frombits(0x7f800001),
	88.72, 88.73, -87.3, -103.9, -104.1, 0x1.8p23, 0x1.000001p24, 1e10, -1e10, 3.9999, 0.99999994,
}

// mixture returns n values, special and of many magnitudes, in an order that
// depends on n.
func mixture(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(4) {
		case 0:
			x[i] = specials[r.IntN(len(specials))]
		case 1:
			x[i] = math.Float32frombits(r.Uint32())
		default:
			x[i] = float32(r.NormFloat64() * 4)
		}
	}
	return x
}

func halves(x []float32) []uint16 {
	h := make([]uint16, len(x))
	for i, v := range x {
		h[i] = uint16(math.Float32bits(v) >> 16)
	}
	return h
}

// call is one way to run an operation: it returns what the variant makes of the
// inputs, and what the reference does.
type call[T any] struct {
	name  string
	ulps  float64 // 0 is bit for bit
	scale scaleOf
	run   func(f *Funcs, dst []T, in [][]T)
	count int // of inputs
}

// scaleOf says of which value an error bound counts ULPs.
type scaleOf int

const (
	ofResult scaleOf = iota
	ofInput
)

func floatCalls() []call[float32] {
	var calls []call[float32]
	for op := range unaryOps {
		bound := unaryBounds()[op]
		calls = append(calls, call[float32]{op.String(), bound.ulps, bound.scale,
			func(f *Funcs, dst []float32, in [][]float32) { f.Unary[op](dst, in[0]) }, 1})
	}
	for op := range paramOps {
		ulps := [paramOps]float64{Affine: 1, HardSigmoid: 1, Elu: 4}[op]
		for _, p := range [][2]float32{{0.01, 6}, {-1, 1}, {0.2, 0.5}, {1.5, -2}} {
			name := fmt.Sprintf("%v(%g,%g)", op, p[0], p[1])
			calls = append(calls, call[float32]{name, ulps, ofResult,
				func(f *Funcs, dst []float32, in [][]float32) { f.Param[op](dst, in[0], p[0], p[1]) }, 1})
		}
	}
	for op := range binaryOps {
		calls = append(calls, call[float32]{op.String(), 0, ofResult,
			func(f *Funcs, dst []float32, in [][]float32) { f.Binary[op](dst, in[0], in[1]) }, 2})
	}
	for op := range scalarOps {
		for _, s := range []float32{1.5, -0.25, float32(math.Inf(1)), float32(math.NaN()), 0} {
			calls = append(calls, call[float32]{fmt.Sprintf("%v(%g)", op, s), 0, ofResult,
				func(f *Funcs, dst []float32, in [][]float32) { f.Scalar[op](dst, in[0], s) }, 1})
		}
	}
	return calls
}

func bfloat16Calls() []call[uint16] {
	var calls []call[uint16]
	for op := range unaryOps {
		calls = append(calls, call[uint16]{op.String(), min(unaryBounds()[op].ulps, 1), unaryBounds()[op].scale,
			func(f *Funcs, dst []uint16, in [][]uint16) { f.UnaryBF16[op](dst, in[0]) }, 1})
	}
	for op := range paramOps {
		ulps := [paramOps]float64{Elu: 1}[op]
		calls = append(calls, call[uint16]{op.String(), ulps, ofResult,
			func(f *Funcs, dst []uint16, in [][]uint16) { f.ParamBF16[op](dst, in[0], -0.5, 6) }, 1})
	}
	for op := range binaryOps {
		calls = append(calls, call[uint16]{op.String(), 0, ofResult,
			func(f *Funcs, dst []uint16, in [][]uint16) { f.BinaryBF16[op](dst, in[0], in[1]) }, 2})
	}
	return calls
}

func TestElementwise(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, c := range floatCalls() {
			for _, n := range lengths {
				checkCall(t, f, c, [][]float32{mixture(n, 1), mixture(n, 2)}[:c.count], floatDistance(c.scale))
			}
		}
	})
}

func TestElementwiseBF16(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, c := range bfloat16Calls() {
			for _, n := range lengths {
				checkCall(t, f, c, [][]uint16{halves(mixture(n, 1)), halves(mixture(n, 2))}[:c.count], bfloat16Distance(c.scale))
			}
		}
	})
}

// checkCall runs c into fenced memory of its own and over each input in turn.
func checkCall[T comparable](t *testing.T, f *Funcs, c call[T], in [][]T, distance func(got, want, x T) float64) {
	t.Helper()
	n := len(in[0])
	want := make([]T, n)
	c.run(Reference(), want, in)
	for alias := -1; alias < len(in); alias++ {
		fenced := make([][]T, len(in))
		for i := range in {
			fenced[i] = fence.Copy(t, in[i])
		}
		dst := fence.Slice[T](t, n)
		if alias >= 0 {
			dst = fenced[alias]
		}
		c.run(f, dst, fenced)
		for i := range want {
			if d := distance(dst[i], want[i], in[0][i]); d > c.ulps {
				t.Fatalf("%s of %d, dst is input %d: at %d, of %v: got %v, want %v (%g ULP apart, at most %g allowed)",
					c.name, n, alias, i, in[0][i], dst[i], want[i], d, c.ulps)
			}
		}
	}
}

// floatDistance counts the ULPs, of the expected result or of the input,
// between two results. NaN equals NaN, and bits count where 0 is allowed.
func floatDistance(scale scaleOf) func(got, want, x float32) float64 {
	return func(got, want, x float32) float64 {
		switch {
		case math.Float32bits(got) == math.Float32bits(want), got != got && want != want:
			return 0
		case got == want: // zeros of unlike sign
			return math.Inf(1)
		case got != got || want != want || math.IsInf(float64(want), 0) || math.IsInf(float64(got), 0):
			return math.Inf(1)
		case scale == ofInput:
			return math.Abs(float64(got)-float64(want)) / ulp(float64(x))
		}
		return math.Abs(float64(got)-float64(want)) / ulp(float64(want))
	}
}

// bfloat16Distance is floatDistance for bfloat16, whose results are rounded
// from those of float32 and so differ by whole units. Where the float32 bound
// counts ULPs of the input, a difference within 4 of those counts as none.
func bfloat16Distance(scale scaleOf) func(got, want, x uint16) float64 {
	return func(got, want, x uint16) float64 {
		g, w := float64(WidenBF16(got)), float64(WidenBF16(want))
		switch {
		case got == want, g != g && w != w:
			return 0
		case g != g || w != w:
			return math.Inf(1)
		case scale == ofInput && math.Abs(g-w) <= 4*ulp(float64(WidenBF16(x))):
			return 0
		}
		return math.Abs(float64(got) - float64(want))
	}
}

// ulp is the distance between float32 neighbours at x.
func ulp(x float64) float64 {
	if x == 0 {
		return math.SmallestNonzeroFloat32
	}
	_, e := math.Frexp(math.Abs(x))
	return math.Ldexp(1, max(e-24, -149))
}
