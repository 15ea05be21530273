package normalize

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// blockCases are blocks of rows with what is special about each.
var blockCases = []struct {
	reason          string
	rows, most      int
	seen, step, pad int
	masked, shared  bool
}{
	{"one element", 1, 1, 1, 0, 0, false, false},
	{"whole vectors", 3, 128, 128, 0, 0, false, false},
	{"a mask for each row", 3, 100, 100, 0, 12, true, false},
	{"a mask for all", 5, 70, 70, 0, 10, true, true},
	{"a causal start", 4, 33, 1, 1, 15, false, false},
	{"rows that see nothing yet", 6, 40, -2, 1, 24, true, true},
}

func TestBlocksAgreeWithSoftmax(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, c := range blockCases {
			for _, narrow := range []bool{false, true} {
				if narrow && f.Variant != "avx512bf16" && f.Variant != "neon" {
					continue
				}
				t.Run(fmt.Sprintf("%s/bf16=%v", c.reason, narrow), func(t *testing.T) {
					width := (c.most + 15) &^ 15
					x := row(t, c.rows*c.most, 1, 0, 3)
					mask := row(t, c.most, 2, -1, 2)
					if !c.shared {
						mask = row(t, c.rows*c.most, 2, -1, 2)
					}
					p, words := fence.Slice[float32](t, c.rows*width), fence.Slice[uint16](t, c.rows*width)
					top, sum := fence.Slice[float32](t, c.rows), fence.Slice[float32](t, c.rows)
					for i := range top {
						top[i] = float32(math.Inf(-1))
					}
					b := Block{X: unsafe.Pointer(&x[0]), StrideX: 4 * c.most, P: unsafe.Pointer(&p[0]), StrideP: 4 * width, Max: &top[0], Sum: &sum[0],
						Rows: c.rows, Seen: c.seen, Step: c.step, Most: c.most, Width: width, Scale: 0.5}
					if c.masked {
						b.Mask = unsafe.Pointer(&mask[0])
						if !c.shared {
							b.StrideM = 4 * c.most
						}
					}
					if narrow {
						b.P, b.StrideP = unsafe.Pointer(&words[0]), 2*width
					}
					f.Exponentiate(&b, narrow)
					for r := range c.rows {
						seen := max(0, min(c.seen+r*c.step, c.most))
						var m []float32
						if c.masked {
							at := r * c.most
							if c.shared {
								at = 0
							}
							m = mask[at:][:seen]
						}
						want, _ := softmaxOf(x[r*c.most:][:seen], m, 0.5)
						got := p[r*width:][:width]
						if narrow {
							got = widened(words[r*width:][:width])
						}
						for i, v := range got {
							tolerance, w := 0.0, 0.0
							if i < seen {
								w = want[i]
								tolerance = float64(c.most+32) * 0x1p-24 * w
								if narrow {
									tolerance += w * 0x1p-8
								}
							}
							if g := float64(v) / max(float64(sum[r]), 1e-30); !(math.Abs(g-w) <= tolerance) {
								t.Fatalf("row %d: at %d got %g, want %g", r, i, g, w)
							}
						}
						if seen == 0 && (sum[r] != 0 || !math.IsInf(float64(top[r]), -1)) {
							t.Fatalf("row %d sees nothing: sum %g, max %g", r, sum[r], top[r])
						}
					}
				})
			}
		}
	})
}

// TestBlockCarriesTheMaximum cuts a row in two: the second part goes by the maximum of both.
func TestBlockCarriesTheMaximum(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		x, p, top, sum := []float32{5, 1, -2}, make([]float32, 16), []float32{float32(math.Inf(-1))}, make([]float32, 1)
		for part, want := range []float64{1, math.Exp(1-5) + math.Exp(-2-5)} {
			from := x[part:][:1+part]
			f.Exponentiate(&Block{X: unsafe.Pointer(&from[0]), P: unsafe.Pointer(&p[0]), Max: &top[0], Sum: &sum[0], Rows: 1, Seen: len(from), Most: len(from), Width: 16, Scale: 1}, false)
			if math.Abs(float64(sum[0])-want) > 1e-6*want || top[0] != 5 {
				t.Errorf("part %d: sum %g of %g, max %g", part, sum[0], want, top[0])
			}
		}
		nan := []float32{1, float32(math.NaN()), 2}
		f.Exponentiate(&Block{X: unsafe.Pointer(&nan[0]), P: unsafe.Pointer(&p[0]), Max: &top[0], Sum: &sum[0], Rows: 1, Seen: 3, Most: 3, Width: 16, Scale: 1}, false)
		if sum[0] == sum[0] {
			t.Errorf("a NaN among the scores is lost: sum %g", sum[0])
		}
	})
}

func TestScaleRows(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths[:17] {
			x, y, words, by := row(t, 2*n, 3, 1, 1), fence.Slice[float32](t, 2*n), fence.Slice[uint16](t, 2*n), []float32{2, 0.5}
			b := Block{X: unsafe.Pointer(&x[0]), StrideX: 4 * n, P: unsafe.Pointer(&y[0]), StrideP: 4 * n, Sum: &by[0], Rows: 2, Most: n}
			f.ScaleRows(&b, false)
			exact := f.Variant == "avx512bf16"
			if exact {
				b = Block{X: unsafe.Pointer(&x[0]), StrideX: 4 * n, P: unsafe.Pointer(&words[0]), StrideP: 2 * n, Sum: &by[0], Rows: 2, Most: n}
				f.ScaleRows(&b, true)
			}
			for i, v := range x {
				if want := v * by[i/n]; y[i] != want || exact && math.Abs(float64(widened(words)[i]-want)) > 0x1p-8*math.Abs(float64(want)) {
					t.Fatalf("%d of %d: %g and %g, want %g", i, n, y[i], widened(words)[i], want)
				}
			}
		}
	})
}

func TestBlockLayout(t *testing.T) {
	var b Block
	for name, at := range map[string][2]uintptr{
		"X": {unsafe.Offsetof(b.X), 0}, "P": {unsafe.Offsetof(b.P), 16}, "Mask": {unsafe.Offsetof(b.Mask), 32}, "Max": {unsafe.Offsetof(b.Max), 48},
		"Sum": {unsafe.Offsetof(b.Sum), 56}, "Rows": {unsafe.Offsetof(b.Rows), 64}, "Seen": {unsafe.Offsetof(b.Seen), 72}, "Step": {unsafe.Offsetof(b.Step), 80},
		"Most": {unsafe.Offsetof(b.Most), 88}, "Width": {unsafe.Offsetof(b.Width), 96}, "Scale": {unsafe.Offsetof(b.Scale), 104},
		"room to count": {unsafe.Sizeof(b), 112 + 7*8},
	} {
		if at[0] != at[1] {
			t.Errorf("%s is at %d; the generator has it at %d", name, at[0], at[1])
		}
	}
}
