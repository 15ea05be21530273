package vector

import (
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
)

// BenchmarkVariants times loops over a slice that fits the first-level cache.
func BenchmarkVariants(b *testing.B) {
	const n = 4096
	x, y, dst := normals(n, 1), normals(n, 2), make([]float32, n)
	short, shortDst := halves(x), make([]uint16, n)
	for _, f := range runnable() {
		time := func(name string, loop func()) {
			b.Run(name+"/"+f.Variant, func(b *testing.B) {
				b.SetBytes(4 * n)
				for range b.N {
					loop()
				}
			})
		}
		for op := range unaryOps {
			time(op.String(), func() { f.Unary[op](dst, x) })
		}
		for op := range binaryOps {
			time(op.String(), func() { f.Binary[op](dst, x, y) })
		}
		for op := range reduceOps {
			time(op.String(), func() { f.Reduce[op](x) })
		}
		time("Clip", func() { f.Param[Clip](dst, x, 0, 6) })
		time("Dot", func() { f.Dot(x, y) })
		time("Axpy", func() { f.Axpy(dst, x, 1e-9) })
		time("ScaleShift", func() { f.ScaleShift(dst, x, y[:64], y[64:128]) })
		time("AddBF16", func() { f.BinaryBF16[Add](shortDst, short, short) })
		time("GeluBF16", func() { f.UnaryBF16[Gelu](shortDst, short) })
		time("ToBF16", func() { f.ToBF16(shortDst, x) })
		time("FromBF16", func() { f.FromBF16(dst, short) })
		time("ToF16", func() { f.ToF16(shortDst, x) })
		time("FromF16", func() { f.FromF16(dst, short) })
	}
}

// normals returns n normally distributed values: activations, with no denormal
// number to slow a loop down.
func normals(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(2 * r.NormFloat64())
	}
	return x
}

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
