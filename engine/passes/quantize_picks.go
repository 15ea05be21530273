package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantizePicks quantizes channels that come from several images of bytes without making the real numbers between:
//
//	Q(any Concat along channels, and shuffles, of images DQ(a), DQ(b) …)  →  BytesPick(a, b …)
//
// where a shuffle is Reshape, Transpose, Reshape, Gather: every g-th channel from the k-th on.
var quantizePicks = rewriting("pick quantized channels", func(e *editor, n *graph.Node, _ Options) {
	q, ok := quantizerOf(n)
	if !ok || n.In(0).Producer == nil || n.In(0).Producer.Is("", "DequantizeLinear") {
		return
	}
	list := channelSources(n.In(0))
	if list == nil {
		return
	}
	var inputs []*graph.Value
	var scales []float32
	var zeros, input, channel []int
	for _, s := range list {
		i := slices.Index(inputs, s.x)
		if i < 0 {
			i = len(inputs)
			inputs, scales, zeros = append(inputs, s.x), append(scales, s.of.scale/q.scale), append(zeros, int(s.of.zero))
		}
		input, channel = append(input, i), append(channel, s.channel)
	}
	attributes := settings(byteBounds{zero: q.zero, lo: 0, hi: 255})
	attributes["zeros"], attributes["input"], attributes["channel"] = intsAttribute(zeros), intsAttribute(input), intsAttribute(channel)
	attributes["scales"] = models.Attribute{Kind: models.FloatsAttribute, Floats: scales}
	e.become(n, "eiplan", "BytesPick", inputs, attributes)
})

// channelSource is where a channel of real numbers comes from.
type channelSource struct {
	x       *graph.Value
	of      quantizer
	channel int
}

// channelSources tells for each channel of an image which channel of bytes it stands for; nil where one is none.
func channelSources(v *graph.Value) []channelSource {
	if v == nil || !isImage(v) || v.Producer == nil {
		return nil
	}
	if x, of := bytesUnder(v); x != nil {
		list := make([]channelSource, v.Shape[1])
		for c := range list {
			list[c] = channelSource{x, of, c}
		}
		return list
	}
	switch n := v.Producer; {
	case n.Is("", "Concat"):
		if axis := n.Int("axis", 0); axis != 1 && axis != 1-len(v.Shape) {
			return nil
		}
		var list []channelSource
		for _, in := range n.Inputs {
			part := channelSources(in)
			if part == nil {
				return nil
			}
			list = append(list, part...)
		}
		return list
	case n.Is("", "Gather"):
		return shuffled(n)
	}
	return nil
}

// shuffled is channelSources of a shuffle that ends in n.
func shuffled(n *graph.Node) []channelSource {
	apart := producerOf(n.In(0), "Reshape")
	swapped := producerOf(inputOf(apart), "Transpose")
	joined := producerOf(inputOf(swapped), "Reshape")
	x := inputOf(joined)
	if x == nil || !isImage(x) || x.Shape[0] != 1 || n.Int("axis", 0) != 0 || !n.In(1).Known() || len(n.In(1).Shape) != 0 || n.In(1).DType != tensor.Int64 {
		return nil
	}
	k := int(tensor.Data[int64](tensor.Aligned(*n.In(1).Const))[0])
	plane, channels := x.Shape[2:].Elements(), x.Shape[1]
	groups := joined.Outputs[0].Shape
	if len(groups) != 3 || groups[0]*groups[1] != channels || groups[2] != plane || !slices.Equal(swapped.Ints("perm"), []int{1, 0, 2}) {
		return nil
	}
	each, of := groups[0], groups[1]
	if !apart.Outputs[0].Shape.Equal(append(tensor.Shape{of, 1, each}, x.Shape[2:]...)) || k < 0 || k >= of {
		return nil
	}
	all := channelSources(x)
	if all == nil {
		return nil
	}
	list := make([]channelSource, each)
	for c := range list {
		list[c] = all[c*of+k]
	}
	return list
}

// producerOf is the node of the given operator that makes v, or nil.
func producerOf(v *graph.Value, op string) *graph.Node {
	if v == nil || v.Producer == nil || !v.Producer.Is("", op) {
		return nil
	}
	return v.Producer
}

// inputOf is a node's first input, or nil where there is no node.
func inputOf(n *graph.Node) *graph.Value {
	if n == nil {
		return nil
	}
	return n.In(0)
}
