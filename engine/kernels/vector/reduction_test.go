package vector

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// moderate returns n finite values of several magnitudes and both signs.
func moderate(n int, seed uint64) []float32 {
	x := mixture(n, seed)
	for i, v := range x {
		if !(math.Abs(float64(v)) < 1e4) || v != 0 && math.Abs(float64(v)) < 1e-4 {
			x[i] = float32(i%13) - 6.5
		}
	}
	return x
}

// sumBound is what the error of a sum of these terms may be; see ReduceOp.
func sumBound(terms []float64) float64 {
	var total float64
	for _, v := range terms {
		total += math.Abs(v)
	}
	return (float64(len(terms))/8 + 8) * 0x1p-24 * total
}

func TestSums(t *testing.T) {
	term := map[string]func(x, y float64) float64{
		"Sum":        func(x, _ float64) float64 { return x },
		"SumSquares": func(x, _ float64) float64 { return x * x },
		"Dot":        func(x, y float64) float64 { return x * y },
	}
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range append(lengths, 1000, 4099) {
			x, y := fence.Copy(t, moderate(n, 3)), fence.Copy(t, moderate(n, 4))
			for name, got := range map[string]float32{
				"Sum": f.Reduce[Sum](x), "SumSquares": f.Reduce[SumSquares](x), "Dot": f.Dot(x, y),
			} {
				var want float64
				terms := make([]float64, n)
				for i := range terms {
					terms[i] = term[name](float64(x[i]), float64(y[i]))
					want += terms[i]
				}
				if diff := math.Abs(float64(got) - want); !(diff <= sumBound(terms)) {
					t.Errorf("%s of %d = %g, want %g ± %g", name, n, got, want, sumBound(terms))
				}
			}
		}
	})
}

func TestMatVec(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, columns := range []int{0, 16, 32, 48, 112, 128, 240, 256, 512} {
			for _, k := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65} {
				first := moderate(columns, 7)
				dst, x, w := fence.Copy(t, first), fence.Copy(t, moderate(k, 8)), fence.Copy(t, moderate(k*columns, 9))
				f.MatVec(dst, x, w)
				for j, got := range dst {
					want, size := float64(first[j]), math.Abs(float64(first[j]))
					for i, v := range x {
						term := float64(v) * float64(w[i*columns+j])
						want, size = want+term, size+math.Abs(term)
					}
					if diff := math.Abs(float64(got) - want); !(diff <= float64(k+8)*0x1p-24*size) {
						t.Fatalf("%d of %d columns, %d rows: %g, want %g", j, columns, k, got, want)
					}
				}
			}
		}
	})
}

func TestCodeDots(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for bits, dots := range map[int]func(dst, x []float32, w []uint8, scales, zeros []float32){4: f.Dots4, 8: f.Dots8} {
			for _, columns := range []int{0, 1, 2, 7} {
				for _, blocks := range []int{0, 1, 2, 5} {
					for _, length := range []int{32, 64, 160} {
						for _, zeroes := range []int{1, columns * blocks} {
							checkCodeDots(t, dots, bits, columns, blocks, blocks*length, zeroes)
						}
					}
				}
			}
		}
	})
}

func checkCodeDots(t *testing.T, dots func(dst, x []float32, w []uint8, scales, zeros []float32), bits, columns, blocks, k, zeroes int) {
	t.Helper()
	plain, codes := moderate(k, 5), make([]uint8, columns*k*bits/8)
	for i := range codes {
		codes[i] = uint8(i*37 + i/7)
	}
	x := fence.Copy(t, plain)
	if bits == 4 {
		Spread(x, plain)
	}
	dst, w := fence.Copy(t, moderate(columns, 6)), fence.Copy(t, codes)
	scales, zeros := fence.Copy(t, moderate(columns*blocks, 7)), fence.Copy(t, moderate(zeroes, 8))
	dots(dst, x, w, scales, zeros)
	for j, got := range dst {
		var want, size float64
		for i, v := range plain {
			code := codes[(j*k+i)*bits/8]
			if bits == 4 {
				code = code >> (i % 2 * 4) & 15
			}
			b := j*blocks + i*blocks/k
			term := float64(v) * float64(float32(code)-zeros[b%zeroes]) * float64(scales[b])
			want, size = want+term, size+math.Abs(term)
		}
		if diff := math.Abs(float64(got) - want); !(diff <= float64(k+8)*0x1p-24*size) {
			t.Fatalf("%d bits: column %d of %d, %d blocks, %d rows: %g, want %g", bits, j, columns, blocks, k, got, want)
		}
	}
}

func TestSumsOfSpecials(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		reason string
		x      []float32
		want   float32
	}{
		{"an infinity stays", []float32{1, inf, 2}, inf},
		{"opposed infinities have no sum", []float32{inf, 1, -inf}, nan},
		{"NaN spreads", []float32{1, 2, nan, 3}, nan},
		{"overflow is infinite", []float32{math.MaxFloat32, math.MaxFloat32}, inf},
	} {
		eachVariant(t, func(t *testing.T, f *Funcs) {
			if got := f.Reduce[Sum](c.x); got != c.want && (got == got || c.want == c.want) {
				t.Errorf("%s: Sum(%v) = %v, want %v", c.reason, c.x, got, c.want)
			}
		})
	}
}

func TestExtremes(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		reference := Reference()
		for _, n := range lengths {
			for _, x := range [][]float32{moderate(n, 5), mixture(n, 6), onlyNaNAt(n, n/2), onlyNaNAt(n, n-1), onlyNaNAt(n, 0)} {
				x = fence.Copy(t, x)
				for _, op := range []ReduceOp{Maximum, Minimum} {
					got, want := f.Reduce[op](x), reference.Reduce[op](x)
					if got != want && (got == got || want == want) {
						t.Fatalf("%v of %d = %v, want %v", op, n, got, want)
					}
				}
			}
		}
	})
}

// onlyNaNAt returns n numbers and, at i, NaN.
func onlyNaNAt(n, i int) []float32 {
	x := moderate(n, 7)
	if i >= 0 && i < n {
		x[i] = float32(math.NaN())
	}
	return x
}

func TestAxpy(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			x, y := fence.Copy(t, mixture(n, 8)), fence.Copy(t, mixture(n, 9))
			want := mixture(n, 9)
			axpy(want, x, -1.7)
			f.Axpy(y, x, -1.7)
			checkRounded(t, "Axpy", y, want)
		}
	})
}

func TestScaleShift(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, c := range lengths {
			for _, rows := range []int{0, 1, 2, 3} {
				x := fence.Copy(t, mixture(c*rows, 10))
				scale, bias := fence.Copy(t, mixture(c, 11)), fence.Copy(t, mixture(c, 12))
				want := make([]float32, c*rows)
				scaleShift(want, x, scale, bias)
				dst := fence.Slice[float32](t, c*rows)
				f.ScaleShift(dst, x, scale, bias)
				checkRounded(t, "ScaleShift", dst, want)
				f.ScaleShift(x, x, scale, bias)
				checkRounded(t, "ScaleShift in place", x, want)
			}
		}
	})
}

// checkRounded fails unless the results are a unit in the last place apart at
// most.
func checkRounded(t *testing.T, what string, got, want []float32) {
	t.Helper()
	distance := floatDistance(ofResult)
	for i := range want {
		if d := distance(got[i], want[i], 0); d > 1 {
			t.Fatalf("%s of %d: at %d got %v, want %v", what, len(want), i, got[i], want[i])
		}
	}
}

func TestUnlikeLengthsPanic(t *testing.T) {
	two, three := make([]float32, 2), make([]float32, 3)
	for name, breach := range map[string]func(f *Funcs){
		"Unary":      func(f *Funcs) { f.Unary[Exp](two, three) },
		"Binary":     func(f *Funcs) { f.Binary[Add](three, three, two) },
		"Scalar":     func(f *Funcs) { f.Scalar[AddScalar](two, three, 1) },
		"Dot":        func(f *Funcs) { f.Dot(two, three) },
		"Axpy":       func(f *Funcs) { f.Axpy(three, two, 1) },
		"ScaleShift": func(f *Funcs) { f.ScaleShift(three, three, two, two) },
		"ToBF16":     func(f *Funcs) { f.ToBF16(make([]uint16, 2), three) },
	} {
		eachVariant(t, func(t *testing.T, f *Funcs) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s took operands of unlike length", name)
				}
			}()
			breach(f)
		})
	}
}
