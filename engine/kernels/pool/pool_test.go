package pool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// eachVariant runs test for the reference and every assembled variant that this
// machine can run, and names those that it can't.
func eachVariant(t *testing.T, test func(t *testing.T, f *Funcs)) {
	t.Run("generic", func(t *testing.T) { test(t, Reference()) })
	for _, v := range vector.Variants() {
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

// geometries are the poolings under test, as height and width axes.
var geometries = []struct {
	reason     string
	rows, cols Axis
}{
	{"ResNet's stem", square(13, 7, 3, 2, 1, 1), square(13, 7, 3, 2, 1, 1)},
	{"no overlap, no padding", square(8, 4, 2, 2, 1, 0), square(6, 3, 2, 2, 1, 0)},
	{"global", square(7, 1, 7, 1, 1, 0), square(5, 1, 5, 1, 1, 0)},
	{"stride 1 with wide padding", square(9, 9, 5, 1, 1, 2), square(9, 9, 5, 1, 1, 2)},
	{"dilation", square(9, 7, 3, 1, 2, 1), square(11, 9, 3, 1, 2, 1)},
	{"ceil mode looks past the padding", square(6, 3, 3, 2, 1, 0), square(8, 4, 3, 2, 1, 0)},
	{"unlike axes", square(1, 1, 1, 1, 1, 0), square(10, 5, 3, 2, 1, 1)},
	{"padding before and after differ", Axis{In: 6, Out: 3, Kernel: 3, Stride: 2, Dilation: 1, PadAfter: 1}, square(4, 4, 1, 1, 1, 0)},
	{"a window starts before the one on its left", square(1, 1, 1, 1, 1, 0), Axis{In: 3, Out: 2, Kernel: 2, Stride: 2, Dilation: 3, PadBefore: 2, PadAfter: 1}},
	{"a window wholly in padding", square(2, 4, 1, 1, 1, 1), square(2, 4, 1, 1, 1, 1)},
}

// square is an axis padded alike on both ends.
func square(in, out, kernel, stride, dilation, pad int) Axis {
	return Axis{In: in, Out: out, Kernel: kernel, Stride: stride, Dilation: dilation, PadBefore: pad, PadAfter: pad}
}

var channelCounts = []int{1, 3, 8, 15, 16, 17, 32, 40, 64}

// image returns fenced pixels with gaps between them, filled by value, and
// where they lie.
func image(t testing.TB, height, width, channels int, value func() float32) ([]float32, Image) {
	m := Image{PixelPitch: channels + 2, RowPitch: width*(channels+2) + 3, Origin: 5}
	x := fence.Slice[float32](t, max(m.at(height-1, width-1)+channels, 0))
	for i := range x {
		x[i] = value()
	}
	return x, m
}

// values returns a source of moderate values, one in so many NaN; 0 is none.
func values(oneInNaN int) func() float32 {
	r := rand.New(rand.NewPCG(7, 7))
	return func() float32 {
		if oneInNaN > 0 && r.IntN(oneInNaN) == 0 {
			return float32(math.NaN())
		}
		return vector.WidenBF16(vector.RoundBF16(float32(r.NormFloat64())))
	}
}

// narrow rounds to fenced bfloat16; what values returns survives it.
func narrow(t testing.TB, x []float32) []uint16 {
	y := fence.Slice[uint16](t, len(x))
	for i, v := range x {
		y[i] = vector.RoundBF16(v)
	}
	return y
}

func widen(x []uint16) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = vector.WidenBF16(v)
	}
	return y
}

// counted calls visit with every source index in the window of output o, and
// returns the window's extent with padding: ONNX's definition.
func (a Axis) counted(o int, visit func(i int)) (padded int) {
	for k := range a.Kernel {
		i := o*a.Stride - a.PadBefore + k*a.Dilation
		if i >= 0 && i < a.In {
			visit(i)
		}
		if i < a.In+a.PadAfter {
			padded++
		}
	}
	return padded
}

// direct pools one output by definition, in float64.
func direct(src []float32, from Image, c, y, x int, rows, cols Axis) (largest, sum, size float64, taps, padded int) {
	largest = math.Inf(-1)
	padded = rows.counted(y, func(i int) {
		cols.counted(x, func(j int) {
			v := float64(src[from.at(i, j)+c])
			largest = math.Max(largest, v)
			sum += v
			size += math.Abs(v)
			taps++
		})
	})
	return largest, sum, size, taps, padded * cols.counted(x, func(int) {})
}

func TestMax(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, g := range geometries {
			for _, channels := range channelCounts {
				src, from := image(t, g.rows.In, g.cols.In, channels, values(40))
				dst, to := image(t, g.rows.Out, g.cols.Out, channels, values(0))
				rows, cols := Windows(nil, g.rows), Windows(nil, g.cols)
				f.Max(dst, to, src, from, channels, rows, cols)
				short := narrow(t, dst)
				f.MaxBF16(short, to, narrow(t, src), from, channels, rows, cols)
				for name, got := range map[string][]float32{"Max": dst, "MaxBF16": widen(short)} {
					eachOutput(g.rows, g.cols, channels, func(y, x, c int) {
						want, _, _, _, _ := direct(src, from, c, y, x, g.rows, g.cols)
						if v := float64(got[to.at(y, x)+c]); v != want && !(math.IsNaN(v) && math.IsNaN(want)) {
							t.Fatalf("%s, %s of %d channels: at (%d, %d, %d) got %g, want %g", name, g.reason, channels, y, x, c, v, want)
						}
					})
				}
			}
		}
	})
}

func TestAverage(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, g := range geometries {
			for _, countPad := range []bool{false, true} {
				for _, channels := range channelCounts {
					g.rows.CountPad, g.cols.CountPad = countPad, countPad
					what := fmt.Sprintf("%s, count_include_pad=%v, %d channels", g.reason, countPad, channels)
					checkAverage(t, f, what, channels, g.rows, g.cols)
				}
			}
		}
	})
}

func checkAverage(t *testing.T, f *Funcs, what string, channels int, rowAxis, colAxis Axis) {
	t.Helper()
	src, from := image(t, rowAxis.In, colAxis.In, channels, values(0))
	dst, to := image(t, rowAxis.Out, colAxis.Out, channels, values(0))
	rows, cols := Windows(nil, rowAxis), Windows(nil, colAxis)
	f.Average(dst, to, src, from, channels, rows, cols)
	short := narrow(t, dst)
	f.AverageBF16(short, to, narrow(t, src), from, channels, rows, cols)
	shortAsFloat := widen(short)
	eachOutput(rowAxis, colAxis, channels, func(y, x, c int) {
		_, sum, size, taps, padded := direct(src, from, c, y, x, rowAxis, colAxis)
		divisor := float64(taps)
		if rowAxis.CountPad {
			divisor = float64(padded)
		}
		want, bound := 0.0, 0.0
		if taps > 0 {
			want = sum / divisor
			bound = float64(taps+2) * 0x1p-24 * size / divisor
		}
		at := to.at(y, x) + c
		if diff := math.Abs(float64(dst[at]) - want); !(diff <= bound) {
			t.Fatalf("Average, %s: at (%d, %d, %d) got %g, want %g ± %g", what, y, x, c, dst[at], want, bound)
		}
		bound += math.Abs(want) * 0x1p-8
		if diff := math.Abs(float64(shortAsFloat[at]) - want); !(diff <= bound) {
			t.Fatalf("AverageBF16, %s: at (%d, %d, %d) got %g, want %g ± %g", what, y, x, c, shortAsFloat[at], want, bound)
		}
	})
}

func eachOutput(rows, cols Axis, channels int, visit func(y, x, c int)) {
	for y := range rows.Out {
		for x := range cols.Out {
			for c := range channels {
				visit(y, x, c)
			}
		}
	}
}

// TestGapsAreLeftAlone holds the kernels to the channels that they were given.
func TestGapsAreLeftAlone(t *testing.T) {
	const sentinel = 1234.5
	axis := square(6, 3, 3, 2, 1, 1)
	windows := Windows(nil, axis)
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, channels := range channelCounts {
			src, from := image(t, axis.In, axis.In, channels, values(0))
			dst, to := image(t, axis.Out, axis.Out, channels, func() float32 { return sentinel })
			written := make([]bool, len(dst))
			eachOutput(axis, axis, channels, func(y, x, c int) { written[to.at(y, x)+c] = true })
			f.Max(dst, to, src, from, channels, windows, windows)
			for i, v := range dst {
				if !written[i] && v != sentinel {
					t.Fatalf("%d channels: element %d, which is no output, became %g", channels, i, v)
				}
			}
		}
	})
}

func TestBilinear(t *testing.T) {
	rows := []Tap{{0, 0, 0}, {0, 1, 0.25}, {1, 2, 0.5}, {2, 2, 0}}
	cols := []Tap{{0, 1, 0.75}, {1, 2, 0}, {3, 3, 0}}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, channels := range channelCounts {
			src, from := image(t, 3, 4, channels, values(0))
			dst, to := image(t, len(rows), len(cols), channels, values(0))
			f.Bilinear(dst, to, src, from, channels, rows, cols)
			short := narrow(t, dst)
			f.BilinearBF16(short, to, narrow(t, src), from, channels, rows, cols)
			wide := widen(short)
			for y, r := range rows {
				for x, c := range cols {
					for ch := range channels {
						at := func(i, j int) float64 { return float64(src[from.at(i, j)+ch]) }
						wy, wx := float64(r.Weight), float64(c.Weight)
						want := (1-wy)*((1-wx)*at(r.Low, c.Low)+wx*at(r.Low, c.High)) +
							wy*((1-wx)*at(r.High, c.Low)+wx*at(r.High, c.High))
						got, gotShort := float64(dst[to.at(y, x)+ch]), float64(wide[to.at(y, x)+ch])
						if math.Abs(got-want) > 4e-6 || math.Abs(gotShort-want) > 4e-6+math.Abs(want)*0x1p-8 {
							t.Fatalf("%d channels at (%d, %d, %d): got %g and %g, want %g", channels, y, x, ch, got, gotShort, want)
						}
					}
				}
			}
		}
	})
}

func TestNearest(t *testing.T) {
	rows, cols := []Tap{{Low: 2}, {Low: 0}}, []Tap{{Low: 1}, {Low: 1}, {Low: 0}}
	for _, channels := range channelCounts {
		src, from := image(t, 3, 2, channels, values(0))
		dst, to := image(t, len(rows), len(cols), channels, values(0))
		Nearest(dst, to, src, from, channels, rows, cols)
		for y, r := range rows {
			for x, c := range cols {
				for ch := range channels {
					if got, want := dst[to.at(y, x)+ch], src[from.at(r.Low, c.Low)+ch]; got != want {
						t.Fatalf("(%d, %d, %d) = %g, want %g", y, x, ch, got, want)
					}
				}
			}
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	axis := square(8, 4, 3, 2, 1, 1)
	windows := Windows(nil, axis)
	taps := []Tap{{0, 1, 0.5}, {1, 2, 0.25}}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		src, from := image(t, axis.In, axis.In, 32, values(0))
		dst, to := image(t, axis.Out, axis.Out, 32, values(0))
		allocated := testing.AllocsPerRun(5, func() {
			f.Max(dst, to, src, from, 32, windows, windows)
			f.Average(dst, to, src, from, 32, windows, windows)
			f.Bilinear(dst, to, src, from, 32, taps, taps)
		})
		if allocated != 0 {
			t.Errorf("%g allocations", allocated)
		}
	})
}
