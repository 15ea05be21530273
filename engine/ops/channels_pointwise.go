package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// fitsPointwise reports whether a node may become an eiplan/Elementwise over images: each of its operands is an image of the output's shape, one pixel that
// every pixel meets, or a constant for each channel or for all.
func fitsPointwise(n *graph.Node) bool {
	if !Fusible(n) || !image4(n.Outputs[0]) {
		return false
	}
	y := n.Outputs[0]
	whole := false
	for i, v := range n.Inputs {
		if v == nil || i > 0 && (n.Op == "Clip" || n.Op == "Pow") {
			if v != nil && !v.Known() {
				return false
			}
			continue
		}
		switch {
		case v.Const != nil && spreadsOverChannels(v.Shape, y.Shape):
		case image4(v) && v.Shape.Equal(y.Shape):
			whole = true
		case image4(v) && onePixel(v.Shape) && len(v.Shape) == len(y.Shape) && v.Shape[:2].Equal(y.Shape[:2]):
		default:
			return false
		}
	}
	return whole
}

// onePixel reports whether a shape N×C×1×1 has no extent in space.
func onePixel(s tensor.Shape) bool { return s[2:].Elements() == 1 }

// spreadsOverChannels reports whether a constant is one number, or one for each channel of y.
func spreadsOverChannels(c, y tensor.Shape) bool {
	for i, d := range c {
		at := i + len(y) - len(c)
		if d != 1 && (at != 1 || d != y[1]) {
			return false
		}
	}
	return len(c) <= len(y)
}
