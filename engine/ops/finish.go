package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// finishes lists the functions that convolutions may apply to their results, by spelling.
var finishes = map[string]vector.UnaryOp{
	"Gelu": vector.Gelu, "Gelu tanh": vector.GeluTanh, "HardSwish": vector.HardSwish, "Sigmoid": vector.Sigmoid, "Swish": vector.Silu, "Tanh": vector.Tanh,
}

// CanFinish reports whether an eiplan/Conv can apply f, a function of its output alone, to its results: it names f by the attribute function.
func CanFinish(c, f *graph.Node) (name string, ok bool) {
	_, ok = finishes[spelling(f)]
	return spelling(f), ok && f.Domain == "" && len(f.Inputs) == 1 && c.Is("eiplan", "Conv") && (packable(c) && image4(f.Outputs[0]) || packableVolume(c))
}

// finishing is the function of a name.
func finishing(name string, t *Target) conv.Function {
	v, op := vector.For(t.Features), finishes[name]
	f32, bf16 := v.Unary[op], v.UnaryBF16[op]
	return conv.Function{F32: func(x []float32) { f32(x, x) }, BF16: func(x []uint16) { bf16(x, x) }}
}
