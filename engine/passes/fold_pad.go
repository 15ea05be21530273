package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// foldPad takes zeros around the spatial dimensions into the convolution that reads them:
//
//	Pad(x, pads, 0) → Conv or AveragePool that counts its padding, or has none  →  the same with larger pads, which count
var foldPad = rewriting("fold pad", func(e *editor, n *graph.Node, _ Options) {
	conv := n.Is("", "Conv")
	if !conv && (!n.Is("", "AveragePool") || n.Int("ceil_mode", 0) != 0) {
		return
	}
	pad := e.maker(n.Inputs[0])
	if pad == nil || !pad.Is("", "Pad") || pad.Str("mode", "constant") != "constant" {
		return
	}
	if mode := n.Str("auto_pad", "NOTSET"); mode != "NOTSET" && mode != "VALID" && mode != "" {
		return
	}
	rank := len(n.Inputs[0].Shape)
	more := spatialPads(pad, rank)
	if more == nil {
		return
	}
	pads := n.Ints("pads")
	if pads == nil || n.Str("auto_pad", "NOTSET") == "VALID" {
		pads = make([]int, len(more))
	}
	if !conv && n.Int("count_include_pad", 0) == 0 && slices.Max(pads) > 0 {
		return
	}
	for i := range more {
		more[i] += pads[i]
	}
	n.Attributes = withAttribute(n.Attributes, "pads", intsAttribute(more))
	if !conv {
		n.Attributes["count_include_pad"] = intAttribute(1)
	}
	delete(n.Attributes, "auto_pad")
	n.From = from(pad, n)
	e.read(n, append([]*graph.Value{pad.Inputs[0]}, n.Inputs[1:]...))
	e.remove(pad)
})

// spatialPads lists the starts and then the ends of a Pad by zeros, for the dimensions after the second; nil where it is not one.
func spatialPads(n *graph.Node, rank int) []int {
	if v := n.In(2); v != nil {
		if x, ok := number(v); !ok || x != 0 {
			return nil
		}
	}
	if !n.In(1).Known() || n.Inputs[1].DType != tensor.Int64 || rank < 3 {
		return nil
	}
	starts, ends := make([]int, rank), make([]int, rank)
	pads := tensor.Data[int64](tensor.Aligned(*n.Inputs[1].Const))
	axes := make([]int, len(pads)/2)
	for i := range axes {
		axes[i] = i
	}
	if v := n.In(3); v != nil {
		if !v.Known() || v.DType != tensor.Int64 {
			return nil
		}
		for i, a := range tensor.Data[int64](tensor.Aligned(*v.Const)) {
			axes[i] = (int(a) + rank) % rank
		}
	} else if len(axes) != rank {
		return nil
	}
	for i, a := range axes {
		starts[a], ends[a] = int(pads[i]), int(pads[len(axes)+i])
	}
	if slices.Min(starts) < 0 || slices.Min(ends) < 0 || starts[0]+starts[1]+ends[0]+ends[1] != 0 {
		return nil
	}
	return append(starts[2:len(starts):len(starts)], ends[2:]...)
}
