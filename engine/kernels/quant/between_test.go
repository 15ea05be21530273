package quant

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// TestBetween holds every assembled variant to the loops of the comments, on fenced memory of many lengths.
func TestBetween(t *testing.T) {
	for _, v := range Variants() {
		t.Run(v.Name, func(t *testing.T) {
			f := assembled(v.Name)
			if f == nil || !cpu.Detect().Has(v.Needs) {
				t.Skipf("SKIPPED: no %v here", v.Needs)
			}
			r := rand.New(rand.NewPCG(7, 7))
			for _, n := range []int{1, 3, 7, 8, 15, 16, 17, 31, 32, 48, 64, 80, 127, 128, 400} {
				checkAffine(t, f, r, n)
				checkMaximum(t, f, r, n)
				checkInterleave(t, f, r, n)
			}
		})
	}
}

func randomBytes(t *testing.T, r *rand.Rand, n int) []byte {
	b := fence.Slice[byte](t, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func checkAffine(t *testing.T, f *Funcs, r *rand.Rand, n int) {
	t.Helper()
	a, b := randomBytes(t, r, n), randomBytes(t, r, n)
	p := NewAffine(Bytes{Zero: uint8(r.Uint32()), Lo: 3, Hi: 250})
	p.ScaleA, p.ScaleB, p.ZeroA, p.ZeroB = 0.7, 1.3, 100, 27
	for _, second := range [][]byte{nil, b} {
		got, want := fence.Slice[byte](t, n), make([]byte, n)
		f.Affine(&p, got, a, second)
		Reference().Affine(&p, want, a, second)
		if !bytes.Equal(got, want) {
			t.Errorf("affine function of %d bytes, two operands %v: %v, want %v", n, second != nil, got, want)
		}
	}
	alias, want := fence.Copy(t, a), make([]byte, n)
	Reference().Affine(&p, want, a, b)
	if f.Affine(&p, alias, alias, b); !bytes.Equal(alias, want) {
		t.Errorf("affine function of %d bytes in place: %v, want %v", n, alias, want)
	}
}

func checkMaximum(t *testing.T, f *Funcs, r *rand.Rand, n int) {
	t.Helper()
	const count, gap = 3, 5
	src := randomBytes(t, r, count*(n+gap)-gap)
	got := randomBytes(t, r, count*n)
	want := bytes.Clone(got)
	for i := range count {
		for k := range n {
			want[i*n+k] = max(want[i*n+k], src[i*(n+gap)+k])
		}
	}
	var m Maximum
	if f.Maximum(&m, got, src, count, n, n, n+gap); !bytes.Equal(got, want) {
		t.Errorf("maximum of %d bytes: %v, want %v", n, got, want)
	}
}

func checkInterleave(t *testing.T, f *Funcs, r *rand.Rand, n int) {
	t.Helper()
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30, -1e30, 0.25, 0.75}
	for planes := 1; planes <= 4; planes++ {
		src := fence.Slice[float32](t, planes*n)
		for i := range src {
			src[i] = r.Float32()*200 - 50
			if i%5 == 0 {
				src[i] = special[i/5%len(special)]
			}
		}
		p := NewPlanes(0.5, Bytes{Zero: 12, Lo: 0, Hi: 255})
		got := fence.Slice[byte](t, 4*n)
		f.Interleave(&p, got, src, planes, n, n)
		for i := range n {
			for c := range planes {
				if want := toByte(src[c*n+i]/0.5, -12, 243, 12); got[4*i+c] != want {
					t.Errorf("plane %d, number %d of %d, %g: %d, want %d", c, i, n, src[c*n+i], got[4*i+c], want)
				}
			}
		}
	}
}
