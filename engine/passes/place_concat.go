package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// placeConcat lets what a Concat joins be made in its place:
//
//	Conv → a ─┐                    Conv → a, channels 0 to 63 of y
//	Conv → b ─┴ Concat → y    →    Conv → b, channels 64 to 127 of y; Concat → y
//
// where the Concat copies nothing. Chains of Concats lie in the last of them.
var placeConcat = Pass{Name: "place concat", Run: runPlaceConcat}

func runPlaceConcat(g *graph.Graph, o Options) error {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			if err := runPlaceConcat(body, o); err != nil {
				return err
			}
		}
	}
	p := placing{edit(g), map[*graph.Value][]*graph.Value{}}
	for _, n := range slices.Backward(g.Nodes) {
		if y := n.Outputs[0]; n.Is("", "Concat") && y != nil && y.Layout.Channels {
			p.join(n, y)
		}
	}
	for whole, parts := range p.parts {
		l := whole.Layout
		for _, v := range parts {
			l.Top, l.Left = max(l.Top, v.Layout.Top), max(l.Left, v.Layout.Left)
			l.Bottom, l.Right = max(l.Bottom, v.Layout.Bottom), max(l.Right, v.Layout.Right)
		}
		whole.Layout = l
		for _, n := range p.readers[whole] {
			if n.Is("eiplan", "Convert") { // both sides have one layout
				n.Outputs[0].Layout = l
			}
		}
		for _, v := range parts {
			first := v.Layout.First
			v.Layout = l
			v.Layout.Within, v.Layout.First = whole, first
		}
	}
	return nil
}

// placing is the state of the pass: the values that are to lie in another.
type placing struct {
	*editor
	parts map[*graph.Value][]*graph.Value
}

// join places the inputs of a Concat to y that can be.
func (p *placing) join(n *graph.Node, y *graph.Value) {
	whole, first := y, 0
	if y.Layout.Within != nil {
		whole, first = y.Layout.Within, y.Layout.First
	}
	for i, v := range n.Inputs {
		if !slices.Contains(n.Inputs[:i], v) && p.fits(v, y, first) {
			v.Layout.Within, v.Layout.First = whole, first
			p.parts[whole] = append(p.parts[whole], v)
		}
		first += v.Shape[1]
	}
}

// fits reports whether v can be made, and read, among the channels of y from first on.
func (p *placing) fits(v, y *graph.Value, first int) bool {
	return v.Producer != nil && v.Layout.Channels && v.Layout.Within == nil && p.parts[v] == nil && v.DType == y.DType &&
		v.Shape[1] == v.Layout.Stride && ops.WritesWithin(v.Producer, first) &&
		!slices.ContainsFunc(p.readers[v], func(n *graph.Node) bool { return !ops.ReadsWithin(n) })
}
