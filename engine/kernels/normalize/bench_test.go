package normalize

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// BenchmarkVariants times one row of BERT's hidden size, and one of attention.
func BenchmarkVariants(b *testing.B) {
	const n = 768
	x, residual := row(b, n, 1, 0, 2), row(b, n, 2, 0, 1)
	scale, bias := row(b, n, 3, 1, 0.1), row(b, n, 4, 0, 0.1)
	dst, short := make([]float32, n), make([]uint16, n)
	for _, f := range runnable() {
		for name, loop := range map[string]func(){
			"Softmax":          func() { f.Softmax(dst, x, nil, 0.125) },
			"SoftmaxMasked":    func() { f.Softmax(dst, x, bias, 0.125) },
			"Softmax128":       func() { f.Softmax(dst[:128], x[:128], bias[:128], 0.125) },
			"LogSoftmax":       func() { f.LogSoftmax(dst, x) },
			"LayerNorm":        func() { f.LayerNorm(dst, x, scale, bias, 1e-5) },
			"AddLayerNorm":     func() { f.AddLayerNorm(dst, dst, x, residual, scale, bias, 1e-5) },
			"AddLayerNormBF16": func() { f.AddLayerNormBF16(short, dst, x, residual, scale, bias, 1e-5) },
			"RMSNorm":          func() { f.RMSNorm(dst, x, scale, 1e-6) },
		} {
			b.Run(fmt.Sprintf("%s/%s", name, f.Variant), func(b *testing.B) {
				for range b.N {
					loop()
				}
			})
		}
	}
}

// runnable lists the variants of this build that this machine can run, and the
// reference.
func runnable() []*Funcs {
	list := []*Funcs{Reference()}
	for _, v := range vector.Variants() {
		if f := assembled(v.Name, v.Needs); f != nil && cpu.Detect().Has(v.Needs) {
			list = append(list, f)
		}
	}
	return list
}
