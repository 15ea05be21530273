package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// averageConv lets a pointwise convolution keep no more than the averages of what it makes:
//
//	eiplan/Conv(x, …) → GlobalAveragePool  →  eiplan/ConvAverage(x, …)
//
// It follows the choice of layouts and types.
var averageConv = rewriting("average conv", func(e *editor, n *graph.Node, o Options) {
	if len(n.Inputs) != 1 {
		return
	}
	if c := e.maker(n.Inputs[0]); c != nil && ops.AveragesConv(c, n, o.Target) {
		precision := c.Precision
		e.become(n, "eiplan", "ConvAverage", c.Inputs, c.Attributes, c)
		n.Precision = precision
	}
})
