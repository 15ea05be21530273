package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/models/tensor"
)

// fewChannels is the number of channels, of bytes, up to which a pixel that convolutions read takes that many bytes.
const fewChannels = 4

// MostByteProducts is how many products of bytes a sum may have.
const MostByteProducts = quant.MostProducts

// byteImage reports whether a value of bytes can lie in a Channels layout.
func byteImage(v *graph.Value) bool {
	return v != nil && v.Kind == 0 && v.Const == nil && v.Static() && (len(v.Shape) == 3 || len(v.Shape) == 4) && v.DType == tensor.Uint8 && v.Shape.Elements() > 0
}

// useOfBytes is UseOfLayout for nodes that make bytes.
func useOfBytes(n *graph.Node) LayoutUse {
	switch Key(n.Domain, n.Op) {
	case "eiplan/BytesConv", "eiplan/BytesQuantize", "eiplan/BytesConcat", "eiplan/BytesPick":
		return AnyLayout
	case "eiplan/BytesAffine":
		if n.Outputs[0].Shape[1] > fewChannels {
			return SameLayout
		}
	case "MaxPool":
		if byteImage(n.In(0)) && !wants(n, 1) && n.Outputs[0].Shape[1] > fewChannels {
			return SameLayout
		}
	}
	return DenseOnly
}

// fitsDequantize reports whether n makes an image of real numbers of one of bytes.
func fitsDequantize(n *graph.Node) bool {
	_, _, ok := ScaleOf(n)
	return ok && byteImage(n.In(0)) && n.In(0).Shape[1] > fewChannels && n.Outputs[0].DType == tensor.Float32
}

// ScaleOf is the scale and zero point of a QuantizeLinear or DequantizeLinear between float32 and uint8 that has the same, known ones for all elements.
func ScaleOf(n *graph.Node) (scale float32, zero uint8, ok bool) {
	s, z := n.In(1), n.In(2)
	if !s.Known() || s.Const.Len() != 1 || s.DType != tensor.Float32 || z != nil && (!z.Known() || z.Const.Len() != 1 || z.DType != tensor.Uint8) {
		return 0, 0, false
	}
	if z != nil {
		zero = constant[uint8](z)[0]
	}
	return constant[float32](s)[0], zero, true
}

// LayoutOf is the Channels layout of a value, without a halo.
func LayoutOf(v *graph.Value) graph.Layout {
	l := ChannelsOf(v.Shape)
	if p := v.Producer; p != nil && p.Is("eiplan", "BytesQuantize") && v.Shape[1] <= fewChannels {
		l.Stride = fewChannels
	}
	return l
}
