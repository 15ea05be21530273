package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// LayoutUse is what a node can do with values in a Channels layout.
type LayoutUse uint8

const (
	DenseOnly    LayoutUse = iota // all its values are dense
	AnyLayout                     // each of its activations may lie in either layout
	SameLayout                    // its activations all lie in the Channels layout, or all are dense
	FromChannels                  // the input may lie in the Channels layout, the output is dense
	IntoChannels                  // the output may lie in the Channels layout, the input is dense
)

// UseOfLayout says how a node whose types and shapes are known could run on values in the Channels layout. Constants are dense always.
func UseOfLayout(n *graph.Node) LayoutUse {
	if len(n.Outputs) > 0 && byteImage(n.Outputs[0]) {
		return useOfBytes(n)
	}
	if len(n.Bodies) > 0 || len(n.Inputs) == 0 || n.In(0) == nil || len(n.Outputs) == 0 || !image4(n.Outputs[0]) {
		return DenseOnly
	}
	switch Key(n.Domain, n.Op) {
	case "eiplan/Conv":
		if packable(n) && !betweenPlanes(n) {
			return AnyLayout
		}
		return DenseOnly
	case "eiplan/ConvTranspose":
		return AnyLayout
	case "Transpose":
		return transposeUse(n)
	}
	if u, ok := channelsOps[Key(n.Domain, n.Op)]; ok && u.fits(n) {
		return SameLayout
	}
	if fitsPointwise(n) {
		return SameLayout
	}
	return DenseOnly
}

// image4 reports whether a value can lie in a Channels layout.
func image4(v *graph.Value) bool {
	return v != nil && v.Kind == 0 && v.Const == nil && v.Static() && (len(v.Shape) == 3 || len(v.Shape) == 4) &&
		(v.DType == tensor.Float32 || v.DType == tensor.BFloat16) && v.Shape.Elements() > 0
}

// channelsOp is an operator that has a kernel of its own for the Channels layout.
type channelsOp struct {
	fits    func(n *graph.Node) bool
	prepare preparer
}

// channelsOps lists them; elementwise operators become eiplan/Elementwise, see fitsPointwise.
var channelsOps = map[string]channelsOp{
	"AveragePool":        {fitsPool, prepareChannelsPool},
	"BatchNormalization": {fitsBatchNormalization, prepareChannelsBatchNormalization},
	"Concat":             {fitsConcat, prepareChannelsConcat},
	"DequantizeLinear":   {fitsDequantize, prepareChannelsDequantize},
	"GlobalAveragePool":  {fitsImage, prepareChannelsGlobalPool},
	"GlobalMaxPool":      {fitsImage, prepareChannelsGlobalPool},
	"LRN":                {fitsLRN, prepareChannelsLRN},
	"MaxPool":            {fitsPool, prepareChannelsPool},
	"Resize":             {fitsResize, prepareChannelsResize},
}

func fitsImage(n *graph.Node) bool { return image4(n.In(0)) }

// WritesWithin reports whether a node can make its output among the channels of another value, from first on.
func WritesWithin(n *graph.Node, first int) bool {
	return first%channelLanes == 0 && strided(n)
}

// ReadsWithin reports whether a node can read a value that lies among the channels of another.
func ReadsWithin(n *graph.Node) bool {
	switch Key(n.Domain, n.Op) {
	case "eiplan/BatchNormalization", "eiplan/FromChannels", "BatchNormalization", "GlobalAveragePool", "GlobalMaxPool":
		return inChannels(n)
	}
	return strided(n)
}

// strided reports whether a node's kernel touches, of each pixel, the channels of its values alone.
func strided(n *graph.Node) bool {
	switch Key(n.Domain, n.Op) {
	case "eiplan/Conv":
		return packable(n)
	case "AveragePool", "Concat", "MaxPool", "Resize":
		return inChannels(n)
	}
	return false
}

// inChannels reports whether any of a node's values lies in a Channels layout.
func inChannels(n *graph.Node) bool {
	channels := func(v *graph.Value) bool { return v != nil && v.Layout.Channels }
	return slices.ContainsFunc(n.Inputs, channels) || slices.ContainsFunc(n.Outputs, channels)
}

// prepareChannels prepares a node that has values in the Channels layout.
func prepareChannels(n *graph.Node, t *Target) (Kernel, error) {
	switch key := Key(n.Domain, n.Op); {
	case n.Is("eiplan", "Elementwise"):
		return prepareElementwise(n, t)
	case n.Is("eiplan", "ConvChain"):
		return prepareConvChain(n, t)
	case n.Domain == "eiplan":
		return registry[key].Prepare(n, t) // made for it
	case key == "Transpose":
		return prepareChannelsTranspose(n, t)
	case channelsOps[key].prepare != nil:
		return channelsOps[key].prepare(n, t)
	default:
		return Kernel{}, fmt.Errorf("no kernel for the layout of %v", n.Outputs[0])
	}
}

// WantedHalo is the layout, in its halo alone, that a node's first input should have for its fastest kernel, or for all that may be it where ways are
// compared.
func WantedHalo(n *graph.Node, t *Target) (graph.Layout, error) {
	bytes := n.Is("eiplan", "BytesConv")
	if !bytes && (!n.Is("eiplan", "Conv") || !packable(n)) {
		return graph.Layout{}, nil
	}
	g, err := placedGeometry(n)
	if err != nil {
		return graph.Layout{}, err
	}
	h := g.Halo()
	switch {
	case bytes, n.Precision != graph.FP32:
	case t.Tune != nil:
		h = g.WidestHalo()
	default:
		h = g.WinogradHalo()
	}
	return graph.Layout{Top: h.Top, Left: h.Left, Bottom: h.Bottom, Right: h.Right, Fill: byte(n.Int("zero_in", 0))}, nil
}

// ReadsPlanes reports whether a convolution is as well off with a dense input: one of so few channels that rounding them up would be a waste.
func ReadsPlanes(n *graph.Node) bool {
	return n.Is("eiplan", "Conv") && n.In(0).Shape[1] < channelLanes || n.Is("eiplan", "BytesQuantize")
}

// CanTransposeConv reports whether a ConvTranspose can run as an eiplan/ConvTranspose.
func CanTransposeConv(n *graph.Node) bool { return packableTranspose(n) || transposesVolume(n) }

// ChannelsOf is the layout without a halo of a value of the given shape.
func ChannelsOf(s tensor.Shape) graph.Layout {
	return graph.Layout{Channels: true, Stride: roundUp(s[1], channelLanes)}
}
