package passes

import (
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// choosePrecision marks the nodes whose products may be of 16-bit numbers, summed in float32. Everything else stays in float32: softmax and the
// normalisations, reductions, exponentials and powers, recurrent states, indices and integers, and products of two values made during the run but for those
// of attention.
var choosePrecision = rewriting("choose precision", func(_ *editor, n *graph.Node, o Options) {
	if o.Precision != graph.Mixed || !isProduct(n) && !n.Is("eiplan", "Attend") {
		return
	}
	for _, r := range staysFP32 {
		if r.holds(n, o.Target.Features) {
			return
		}
	}
	n.Precision = graph.Mixed
})

// staysFP32 lists why a product with constant weights stays in float32 in a mixed program.
var staysFP32 = []struct {
	why   string
	holds func(n *graph.Node, f cpu.Features) bool
}{
	{"integers times a scale, which float32 multiplies exactly enough for the rounding that follows to come out as the model means it", func(n *graph.Node, _ cpu.Features) bool {
		from := n.In(0).Producer
		return from != nil && from.Op == "DequantizeLinear"
	}},
	{"a convolution of narrow groups multiplies too little for the conversions around it", func(n *graph.Node, _ cpu.Features) bool {
		return n.Op == "Conv" && n.Int("group", 1) > 1 && n.Inputs[1].Shape[1] < narrowGroup
	}},
	{"a convolution that no packed kernel runs", func(n *graph.Node, _ cpu.Features) bool {
		return (n.Op == "Conv" || n.Op == "ConvTranspose") && ops.UseOfLayout(n) != ops.AnyLayout
	}},
	{"too few products in a sum to gain by narrower ones", func(n *graph.Node, _ cpu.Features) bool {
		return n.Op == "Conv" && n.Inputs[1].Shape[1:].Elements() < fewProducts
	}},
	{"attention of weights in float16, of which it has none", func(n *graph.Node, f cpu.Features) bool {
		return n.Op == "Attend" && !ops.MixedIsBFloat16(f)
	}},
	{"too few queries to gain by narrower keys", func(n *graph.Node, _ cpu.Features) bool {
		return n.Op == "Attend" && ops.CostOf(n).M < fewQueries
	}},
	{"the fast 3×3 algorithm in float32 beats 16-bit numbers without matrix tiles", func(n *graph.Node, f cpu.Features) bool {
		return n.Op == "Conv" && !f.Has(cpu.AMXBF16) && ops.HasFastAlgorithm(n)
	}},
	{"weights in float16 that so many rows share are widened more often than half their bytes are worth", func(n *graph.Node, f cpu.Features) bool {
		return isProduct(n) && !ops.MixedIsBFloat16(f) && ops.CostOf(n).M >= manyRows
	}},
}

// fewProducts is how many products an output of a convolution must sum to gain by mixed precision.
const fewProducts = 64

// narrowGroup is how many channels a group of a convolution needs to gain by mixed precision.
const narrowGroup = 32

// manyRows is how many rows of a product, or outputs of a convolution in each channel, make its weights' bytes no matter.
const manyRows = 32

// fewQueries is how many queries of an attention share its keys too rarely for mixed precision.
const fewQueries = 16
