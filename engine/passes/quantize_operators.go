package passes

import (
	"maps"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantizeOperators brings quantized convolutions that are one operator to the one that runs on bytes:
//
//	QLinearConv(x, w, b)  →  BytesConv(x, w, b)
//
// where x and the result are images of unsigned bytes, and all but x is known.
var quantizeOperators = rewriting("run quantized operators on bytes", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "QLinearConv") || !isImage(n.In(0)) || !isImage(n.Outputs[0]) || n.In(0).Known() || n.In(0).DType != tensor.Uint8 || n.Outputs[0].DType != tensor.Uint8 {
		return
	}
	zeroIn, okIn := byteOf(n.In(2))
	zero, okOut := byteOf(n.In(7))
	scale, bias := ops.LinearScale(n), n.In(8)
	if !okIn || !okOut || scale == nil {
		return
	}
	weights := lessZeros(n.In(3), n.In(5))
	if weights == nil || weights.Shape[1:].Elements() > ops.MostByteProducts || bias != nil && !smallBias(bias) {
		return
	}
	attributes := maps.Clone(n.Attributes)
	if attributes == nil {
		attributes = map[string]models.Attribute{}
	}
	maps.Copy(attributes, settings(byteBounds{zero: zero, lo: 0, hi: math.MaxUint8}))
	attributes["zero_in"] = intAttribute(int(zeroIn))
	e.become(n, "eiplan", "BytesConv", []*graph.Value{n.In(0), weights, bias, constantOf(n.Name+".scale", tensor.Shape{len(scale)}, scale)}, attributes)
})

// byteOf is the content of a known unsigned byte.
func byteOf(v *graph.Value) (uint8, bool) {
	if !v.Known() || v.Const.Len() != 1 || v.DType != tensor.Uint8 {
		return 0, false
	}
	return v.Const.Bytes[0], true
}

// smallBias reports whether a bias is known and fits beside the largest sum of products.
func smallBias(v *graph.Value) bool {
	return v.Known() && ops.FitsBesideProducts(tensor.Data[int32](tensor.Aligned(*v.Const)))
}
