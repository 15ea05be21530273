package vector

import (
	"math"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/fence"
)

func TestComparisons(t *testing.T) {
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for r := range relations {
			for _, n := range lengths {
				a, b := mixture(n, 30), mixture(n, 31)
				for i := 0; i < n; i += 3 {
					b[i] = a[i]
				}
				a, b = fence.Copy(t, a), fence.Copy(t, b)
				got, want := fence.Slice[bool](t, n), make([]bool, n)
				f.Compare[r](got, a, b)
				if reference.Compare[r](want, a, b); !slices.Equal(got, want) {
					t.Fatalf("%v of %d: got %v, want %v", r, n, got, want)
				}
				for _, s := range []float32{0, 1, -2.5, float32(math.Inf(1)), float32(math.NaN())} {
					f.CompareScalar[r](got, a, s)
					if reference.CompareScalar[r](want, a, s); !slices.Equal(got, want) {
						t.Fatalf("%v of %d and %g: got %v, want %v", r, n, s, got, want)
					}
				}
			}
		}
	})
}

func TestChoices(t *testing.T) {
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			a, b, cond := fence.Slice[uint32](t, n), fence.Slice[uint32](t, n), fence.Slice[bool](t, n)
			x, y := mixture(n, 32), mixture(n, 33)
			for i := range x {
				a[i], b[i], cond[i] = math.Float32bits(x[i]), math.Float32bits(y[i]), math.Float32bits(x[i])&3 > 1 || i%5 == 1
			}
			got, want := fence.Slice[uint32](t, n), make([]uint32, n)
			f.Choose(got, cond, a, b)
			if reference.Choose(want, cond, a, b); !slices.Equal(got, want) {
				t.Fatalf("Choose of %d: got %x, want %x", n, got, want)
			}
			for _, when := range []bool{false, true} {
				for _, s := range []uint32{0, 7, 0x7f800001, 0xffffffff} { // signalling and quiet NaN keep their bits
					f.ChooseScalar(got, cond, a, when, s)
					if reference.ChooseScalar(want, cond, a, when, s); !slices.Equal(got, want) {
						t.Fatalf("ChooseScalar of %d, %#x where %v: got %x, want %x", n, s, when, got, want)
					}
				}
			}
		}
	})
}
