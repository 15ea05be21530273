package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// fuseScale lets a pointwise convolution take over what squeeze and excitation does to its input:
//
//	Mul(x, s of one pixel) → eiplan/Conv(…, w, b, residual)  →  eiplan/Conv(x, w, b, residual, s)
//
// It follows the choice of layouts. Mixed programs keep the Mul, which rounds once.
var fuseScale = rewriting("fuse scale", func(e *editor, n *graph.Node, o Options) {
	if !n.Is("", "Mul") || len(n.Inputs) != 2 || o.Precision == graph.Mixed {
		return
	}
	c := e.reader(n.Outputs[0])
	if c == nil || c.Inputs[0] != n.Outputs[0] {
		return
	}
	for i, x := range n.Inputs {
		s := n.Inputs[1-i]
		if x.Shape.Equal(n.Outputs[0].Shape) && ops.ScalesConv(c, x, s) {
			inputs := slices.Clone(c.Inputs)
			for len(inputs) < 4 {
				inputs = append(inputs, nil)
			}
			inputs[0] = x
			e.become(c, c.Domain, c.Op, append(inputs, s), c.Attributes, n)
			return
		}
	}
})
