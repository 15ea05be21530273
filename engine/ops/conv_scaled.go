package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// scaleInput is the input of an eiplan/Conv that scales the first one's channels.
const scaleInput = 4

// ScalesConv reports whether an eiplan/Conv should multiply its input x, which lies in the Channels layout, by a value of one pixel: it multiplies its
// weights, which pays where there are more pixels than output channels.
func ScalesConv(c *graph.Node, x, scale *graph.Value) bool {
	if !c.Is("eiplan", "Conv") || c.In(scaleInput) != nil || c.Precision != graph.FP32 || !packable(c) || !image4(x) || !image4(scale) || len(x.Shape) != 4 ||
		!x.Layout.Channels || !scale.Layout.Channels || !c.Outputs[0].Layout.Channels || !onePixel(scale.Shape) || scale.Shape[1] != x.Shape[1] ||
		x.DType != tensor.Float32 || scale.DType != tensor.Float32 {
		return false
	}
	g, err := placedGeometry(c)
	return err == nil && g.CanScale() && g.StrideH == 1 && g.StrideW == 1 && g.PadTop == 0 && g.PadLeft == 0 && g.Out.Height*g.Out.Width > g.Out.Channels
}

// fastestOrScaled plans a convolution in the fastest of its ways, or in the one that scales.
func fastestOrScaled(n *graph.Node, t *Target, g conv.Geometry, e gemm.Epilogue) (*conv.Plan, error) {
	weights := constant[float32](n.In(1))
	if n.In(scaleInput) == nil {
		return fastestConv(t, formatOf(n), g, weights, e)
	}
	return conv.PrepareScaled(t.Weights(), t.Features, g, weights, e, vector.For(t.Features).Scalar[vector.MulScalar])
}

// scaleBy tells the call of a convolution n what to scale its input by in this run, if anything: the one pixel of a value that may have a halo.
func scaleBy(n *graph.Node, call *conv.Call, c *Call) {
	if s := n.In(scaleInput); s != nil {
		call.ScaleBy(tensor.Data[float32](c.In[scaleInput].Tensor)[imageOf(s).Origin:])
	}
}
