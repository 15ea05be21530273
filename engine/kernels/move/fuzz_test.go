package move

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// runnable lists the variants of this build that this machine can run, and the
// reference.
func runnable() []*Funcs {
	list := []*Funcs{Reference()}
	for _, v := range Variants() {
		if f := assembled(v.Name); f != nil && cpu.Detect().Has(v.Needs) {
			list = append(list, f)
		}
	}
	return list
}

// FuzzCopy permutes the axes of an array and compares with index arithmetic.
func FuzzCopy(f *testing.F) {
	f.Add(uint64(1), uint8(2), uint8(17))
	f.Add(uint64(2), uint8(4), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, rank, most uint8) {
		r := rand.New(rand.NewPCG(seed, 0))
		shape, order := make([]int, rank%6), r.Perm(int(rank%6))
		n := 1
		for k := range shape {
			shape[k] = 1 + r.IntN(int(most%33)+1)
			n *= shape[k]
		}
		if n > 1<<16 {
			t.Skip("too large to be quick")
		}
		permuted, from := make([]int, len(shape)), View{Stride: make([]int, len(shape))}
		dense := contiguous(shape)
		for k, axis := range order {
			permuted[k], from.Stride[k] = shape[axis], dense[axis]
		}
		src := numbered[uint32](t, n)
		to := View{Stride: contiguous(permuted)}
		want := make([]uint32, n)
		for i := range want {
			at, rest := 0, i
			for k, s := range to.Stride {
				at += rest / s * from.Stride[k]
				rest %= s
			}
			want[i] = src[at]
		}
		for _, v := range runnable() {
			dst := fence.Slice[uint32](t, n)
			Copy(v, dst, to, src, from, permuted)
			if !slices.Equal(dst, want) {
				t.Errorf("%s: %v by %v is wrong", v.Variant, shape, order)
			}
		}
	})
}
