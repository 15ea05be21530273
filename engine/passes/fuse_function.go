package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// fuseFunction takes the function that is applied to a convolution's results into it:
//
//	eiplan/Conv(…) → Swish  →  eiplan/Conv(…, function Swish), and so other functions of one element
//
// In mixed programs convolutions in float32 are left alone: they write float32, and the function what the next product wants.
var fuseFunction = rewriting("fuse function", func(e *editor, n *graph.Node, o Options) {
	if len(n.Inputs) != 1 {
		return
	}
	c := e.maker(n.Inputs[0])
	if c == nil || finishes(c) || o.Precision == graph.Mixed && (c.Precision != graph.Mixed || ops.ReadsPlanes(c)) {
		return
	}
	name, ok := ops.CanFinish(c, n)
	if !ok {
		return
	}
	precision := c.Precision
	e.become(n, "eiplan", "Conv", c.Inputs, withAttribute(c.Attributes, "function", stringAttribute(name)), c)
	n.Precision = precision
})

// finishes reports whether a product applies a function to its results.
func finishes(n *graph.Node) bool {
	_, ok := n.Attributes["function"]
	return ok
}
