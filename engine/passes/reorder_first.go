package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
)

// reorderFirst takes images of few channels, most of whose elements in memory are padding, out of the Channels layout before a function of each element,
// not after it:
//
//	x → eiplan/Elementwise → eiplan/FromChannels → y  →  x → eiplan/FromChannels → eiplan/Elementwise → y
//
// The function has no other operands than numbers.
var reorderFirst = rewriting("reorder first", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("eiplan", "FromChannels") {
		return
	}
	f := e.maker(n.Inputs[0])
	if f == nil || !f.Is("eiplan", "Elementwise") || len(f.Inputs) != 1 {
		return
	}
	x := f.Inputs[0]
	if !x.Layout.Channels || !x.Shape.Equal(n.Outputs[0].Shape) || 2*x.Shape[1] > x.Layout.Stride {
		return
	}
	body := f.Bodies["body"]
	for _, m := range body.Nodes {
		for _, v := range m.Inputs {
			if v.Known() && v.Const.Len() != 1 {
				return
			}
		}
	}
	dense := &graph.Value{Name: x.Name + ".FromChannels", DType: x.DType, Shape: x.Shape.Clone(), Producer: f}
	f.Op, f.Bodies, f.Outputs = "FromChannels", nil, []*graph.Value{dense}
	n.Op, n.Bodies = "Elementwise", map[string]*graph.Graph{"body": body}
	e.read(n, []*graph.Value{dense})
})
