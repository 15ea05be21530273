package normalize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// lengths covers less than a vector, whole vectors, whole unrolled turns and
// what lies around them.
var lengths = []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 384, 768, 1001}

// eachVariant runs test for the reference and every assembled variant that this
// machine can run, and names those that it can't.
func eachVariant(t *testing.T, test func(t *testing.T, f *Funcs)) {
	t.Run("generic", func(t *testing.T) { test(t, Reference()) })
	for _, v := range vector.Variants() {
		t.Run(v.Name, func(t *testing.T) {
			f := assembled(v.Name, v.Needs)
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

// row returns n fenced values around center.
func row(t testing.TB, n int, seed uint64, center, spread float64) []float32 {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	x := fence.Slice[float32](t, n)
	for i := range x {
		x[i] = float32(center + spread*r.NormFloat64())
	}
	return x
}

// near fails unless each got is within tolerance(i) of want.
func near(t *testing.T, what string, got []float32, want []float64, tolerance func(i int) float64) {
	t.Helper()
	for i := range want {
		if math.IsNaN(want[i]) && got[i] != got[i] {
			continue
		}
		if !(math.Abs(float64(got[i])-want[i]) <= tolerance(i)) {
			t.Fatalf("%s of %d: at %d got %g, want %g ± %g", what, len(want), i, got[i], want[i], tolerance(i))
		}
	}
}

// softmaxOf computes the softmax of t[i] = x[i]·scale + mask[i] in float64, with
// t rounded as the kernels do, and ln Σ exp(t).
func softmaxOf(x, mask []float32, scale float32) (y []float64, logSum float64) {
	top := math.Inf(-1)
	for i := range x {
		top = math.Max(top, float64(scaled(x, mask, scale, i)))
	}
	var sum float64
	for i := range x {
		e := math.Exp(float64(scaled(x, mask, scale, i)) - top)
		y = append(y, e)
		sum += e
	}
	for i := range y {
		y[i] /= sum
	}
	return y, top + math.Log(sum)
}

// softmaxBound is what Softmax promises: besides its own error, half a unit in
// the last place of each t-max, which the ratio to the largest result tells.
func softmaxBound(want []float64) func(i int) float64 {
	largest := slices.Max(want)
	return func(i int) float64 {
		below := math.Log(largest) - math.Log(max(want[i], 1e-300))
		return (float64(len(want))/8+16+below)*0x1p-24*want[i] + 0x1p-126
	}
}

func TestSoftmax(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			mask := fence.Slice[float32](t, n)
			for i := n/2 + 1; i < n; i++ {
				mask[i] = -10000
				if i%2 == 0 {
					mask[i] = float32(math.Inf(-1))
				}
			}
			for _, m := range [][]float32{nil, mask} {
				for _, scale := range []float32{1, 0.125} {
					x := row(t, n, 1, 3, 5)
					want, _ := softmaxOf(x, m, scale)
					dst := fence.Slice[float32](t, n)
					f.Softmax(dst, x, m, scale)
					near(t, "Softmax", dst, want, softmaxBound(want))
					f.Softmax(x, x, m, scale)
					for i := range x {
						if x[i] != dst[i] {
							t.Fatalf("Softmax of %d in place: at %d got %g, apart %g", n, i, x[i], dst[i])
						}
					}
				}
			}
		}
	})
}

func TestSoftmaxOfSpecials(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		reason  string
		x, want []float64
	}{
		{"the largest values don't overflow", []float64{3e38, 3e38}, []float64{0.5, 0.5}},
		{"a masked element is nought", []float64{1, -inf}, []float64{1, 0}},
		{"far below the maximum is nought", []float64{0, -200}, []float64{1, 0}},
		{"an infinity has no share", []float64{inf, 1}, []float64{nan, nan}},
		{"nothing but masked has no softmax", []float64{-inf, -inf}, []float64{nan, nan}},
		{"NaN spreads", []float64{1, nan, 2}, []float64{nan, nan, nan}},
	} {
		eachVariant(t, func(t *testing.T, f *Funcs) {
			x := fence.Slice[float32](t, len(c.x))
			for i, v := range c.x {
				x[i] = float32(v)
			}
			f.Softmax(x, x, nil, 1)
			for i, got := range x {
				if math.IsNaN(c.want[i]) != (got != got) || got == got && float64(got) != c.want[i] &&
					!(math.IsInf(c.x[i], 1) && got == 0) {
					t.Errorf("%s: Softmax(%v)[%d] = %g, want %g", c.reason, c.x, i, got, c.want[i])
				}
			}
		})
	}
}

// TestSoftmaxFindsTheMaximum puts one large value at every place in turn; a
// maximum that missed it would overflow.
func TestSoftmaxFindsTheMaximum(t *testing.T) {
	const n = 150
	eachVariant(t, func(t *testing.T, f *Funcs) {
		mask := fence.Slice[float32](t, n)
		for _, m := range [][]float32{nil, mask} {
			for at := range n {
				x := make([]float32, n)
				x[at] = 200
				f.Softmax(x, x, m, 1)
				if x[at] != 1 {
					t.Fatalf("Softmax of 200 at %d among zeros gave %g there, want 1", at, x[at])
				}
			}
		}
	})
}

func TestLogSoftmax(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			x := row(t, n, 2, -1, 6)
			_, logSum := softmaxOf(x, nil, 1)
			want := make([]float64, n)
			for i := range want {
				want[i] = float64(x[i]) - logSum
			}
			tolerance := func(i int) float64 {
				return (float64(n)/8+16)*0x1p-24 + 0x1p-22*(math.Abs(want[i])+math.Abs(float64(x[i]))+math.Abs(logSum))
			}
			dst := fence.Slice[float32](t, n)
			f.LogSoftmax(dst, x)
			near(t, "LogSoftmax", dst, want, tolerance)
			f.LogSoftmax(x, x)
			near(t, "LogSoftmax in place", x, want, tolerance)
		}
	})
}

func TestStridedAgreesWithRows(t *testing.T) {
	f := Reference()
	for _, n := range lengths {
		for _, stride := range []int{1, 3, 7} {
			x := row(t, (n-1)*stride+1, 3, 0, 4)
			lane := make([]float32, n)
			for i := range lane {
				lane[i] = x[i*stride]
			}
			for name, run := range map[string][2]func(dst, x []float32){
				"Softmax": {
					func(dst, x []float32) { f.SoftmaxColumns(dst, x, make([]float32, ColumnScratch), n, stride) },
					func(dst, x []float32) { f.Softmax(dst, x, nil, 1) },
				},
				"LogSoftmax": {
					func(dst, x []float32) { f.LogSoftmaxColumns(dst, x, make([]float32, ColumnScratch), n, stride) },
					func(dst, x []float32) { f.LogSoftmax(dst, x) },
				},
			} {
				dst, want := make([]float32, len(x)), make([]float32, n)
				run[0](dst, x)
				run[1](want, lane)
				for i := range want {
					if diff := math.Abs(float64(dst[i*stride] - want[i])); diff > 1e-6*(1+math.Abs(float64(want[i]))) {
						t.Fatalf("%sStrided(%d, %d): at %d got %g, want %g", name, n, stride, i, dst[i*stride], want[i])
					}
				}
			}
		}
	}
}

// TestSoftmaxColumns holds each variant to the row kernel on its columns, of a matrix that is wider than them.
func TestSoftmaxColumns(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		checkColumns(t, f.SoftmaxColumns, func(dst, x []float32) { Reference().Softmax(dst, x, nil, 1) })
		checkColumns(t, f.LogSoftmaxColumns, Reference().LogSoftmax)
	})
}

func checkColumns(t *testing.T, columns func(dst, x, scratch []float32, n, stride int), single func(dst, x []float32)) {
	t.Helper()
	for _, n := range []int{1, 2, 9, 40} {
		for _, width := range []int{1, 17, 100} {
			stride := width + 5
			x := row(t, n*stride, 3, 0, 4)
			dst := slices.Clone(x) // in place
			columns(dst, dst, make([]float32, ColumnScratch*width), n, stride)
			for j := range stride {
				lane, want := make([]float32, n), make([]float32, n)
				for i := range lane {
					lane[i] = x[i*stride+j]
				}
				single(want, lane)
				for i := range want {
					switch got := dst[i*stride+j]; {
					case j >= width && got != lane[i]:
						t.Fatalf("%d rows, %d columns: column %d changed", n, width, j)
					case j < width && math.Abs(float64(got-want[i])) > 1e-6*(1+math.Abs(float64(want[i]))):
						t.Fatalf("%d rows, %d columns: (%d, %d) is %g, want %g", n, width, i, j, got, want[i])
					}
				}
			}
		}
	}
}

// standardOf computes (x-μ)/√(σ²+ε)·scale+bias in float64, with μ = 0 if not
// centred, and the size of its terms, of which rounding errors are a part.
func standardOf(x, scale, bias []float32, epsilon float64, centred bool) (y, size []float64) {
	var mean, square float64
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	if !centred {
		mean = 0
	}
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	inverse := 1 / math.Sqrt(square+epsilon)
	for i, v := range x {
		t := (float64(v) - mean) * inverse * float64(scale[i])
		s := (math.Abs(float64(v)) + math.Abs(mean)) * inverse * math.Abs(float64(scale[i]))
		if bias != nil {
			t += float64(bias[i])
			s += math.Abs(float64(bias[i]))
		}
		y, size = append(y, t), append(size, s)
	}
	return y, size
}

// widened reads a bfloat16 row.
func widened(x []uint16) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = vector.WidenBF16(v)
	}
	return y
}

func TestLayerNorm(t *testing.T) {
	const epsilon = 1e-5
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			for _, center := range []float64{0, 50} {
				x, residual := row(t, n, 4, center, 2), row(t, n, 5, -1, 1)
				scale, bias := row(t, n, 6, 1, 0.5), row(t, n, 7, 0, 0.5)
				for _, b := range [][]float32{bias, nil} {
					what := fmt.Sprintf("LayerNorm(center %g, bias %v)", center, b != nil)
					checkLayerNorm(t, f, what, x, residual, scale, b, epsilon)
				}
			}
		}
	})
}

func checkLayerNorm(t *testing.T, f *Funcs, what string, x, residual, scale, bias []float32, epsilon float32) {
	t.Helper()
	n := len(x)
	dst, short := fence.Slice[float32](t, n), fence.Slice[uint16](t, n)
	compare := func(what string, got []float32, input []float32, rounding float64) {
		t.Helper()
		want, size := standardOf(input, scale, bias, float64(epsilon), true)
		near(t, what, got, want, func(i int) float64 { return (float64(n)/8+24)*0x1p-24*size[i] + rounding*math.Abs(want[i]) })
	}
	f.LayerNorm(dst, x, scale, bias, epsilon)
	compare(what, dst, x, 0)
	f.LayerNormBF16(short, x, scale, bias, epsilon)
	compare(what+" BF16", widened(short), x, 0x1p-8)

	sum := fence.Slice[float32](t, n)
	f.AddLayerNorm(dst, sum, x, residual, scale, bias, epsilon)
	for i := range sum {
		if sum[i] != x[i]+residual[i] {
			t.Fatalf("%s: sum[%d] = %g, want %g", what, i, sum[i], x[i]+residual[i])
		}
	}
	compare(what+" with residual", dst, sum, 0)
	f.AddLayerNormBF16(short, sum, x, residual, scale, bias, epsilon)
	compare(what+" with residual BF16", widened(short), sum, 0x1p-8)
	inPlace := fence.Copy(t, x)
	f.AddLayerNorm(inPlace, inPlace, inPlace, residual, scale, bias, epsilon)
	compare(what+" with residual in place", inPlace, sum, 0)
}

func TestRMSNorm(t *testing.T) {
	const epsilon = 1e-6
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			x, scale := row(t, n, 8, 0.5, 3), row(t, n, 9, 1, 0.5)
			want, size := standardOf(x, scale, nil, epsilon, false)
			tolerance := func(i int) float64 { return (float64(n)/8 + 24) * 0x1p-24 * size[i] }
			dst, short := fence.Slice[float32](t, n), fence.Slice[uint16](t, n)
			f.RMSNorm(dst, x, scale, epsilon)
			near(t, "RMSNorm", dst, want, tolerance)
			f.RMSNormBF16(short, x, scale, epsilon)
			near(t, "RMSNormBF16", widened(short), want, func(i int) float64 { return tolerance(i) + 0x1p-8*math.Abs(want[i]) })
			f.RMSNorm(x, x, scale, epsilon)
			near(t, "RMSNorm in place", x, want, tolerance)
		}
	})
}

func TestMoments(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		if mean, variance := f.Moments(nil); mean != 0 || variance != 0 {
			t.Errorf("Moments of nothing = %g, %g, want zeros", mean, variance)
		}
		x := fence.Copy(t, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
		if mean, variance := f.Moments(x); mean != 9 || variance != 24 {
			t.Errorf("Moments of 1..17 = %g, %g, want 9, 24", mean, variance)
		}
	})
}
