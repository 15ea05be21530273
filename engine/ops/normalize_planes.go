package ops

import (
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/models/tensor"
)

// fastInstanceNormalization is InstanceNormalization on float32 planes.
func fastInstanceNormalization(n *graph.Node, t *Target) (Kernel, error) {
	return standardizeGroups(n, t, n.In(0).Shape[1]), nil
}

// fastGroupNormalization is GroupNormalization on float32 planes.
func fastGroupNormalization(n *graph.Node, t *Target) (Kernel, error) {
	groups, err := groupsOf(n)
	if err != nil {
		return Kernel{}, err
	}
	return standardizeGroups(n, t, groups), nil
}

// standardizeGroups takes the moments of a group of planes, which lie one after another, and then goes over each plane with its channel's scale and bias.
func standardizeGroups(n *graph.Node, t *Target, groups int) Kernel {
	f := normalize.For(t.Features)
	x := n.In(0).Shape
	epsilon := n.Float("epsilon", 1e-5)
	channels, plane := x[1]/max(groups, 1), x[2:].Elements()
	count := channels * plane
	return byRows("normalize "+f.Variant, x[0]*groups, count, func(c *Call, i int) {
		src, dst := rowAt(c.In[0], i, count), rowAt(c.Out[0], i, count)
		scale, bias := rowAt(c.In[1], i%groups, channels), rowAt(c.In[2], i%groups, channels)
		if plane == 1 {
			f.LayerNorm(dst, src, scale, bias, epsilon)
			return
		}
		mean, variance := f.Moments(src)
		inverse := float32(1 / math.Sqrt(float64(variance)+float64(epsilon)))
		for ch := range channels {
			f.Standardize(dst[ch*plane:][:plane], src[ch*plane:][:plane], mean, inverse, scale[ch], bias[ch])
		}
	})
}

// fastMeanVariance is MeanVarianceNormalization on float32, where the elements of each group lie one after another.
func fastMeanVariance(n *graph.Node, t *Target) (Kernel, error) {
	x := n.In(0).Shape
	axes, err := meanVarianceAxes(n)
	if err != nil {
		return Kernel{}, err
	}
	first := len(x) // of the axes that go
	for first > 0 && (x[first-1] == 1 || slices.Contains(axes, first-1)) {
		first--
	}
	for i := range first {
		if x[i] != 1 && slices.Contains(axes, i) {
			return plainMeanVariance[float32](n, t)
		}
	}
	f := normalize.For(t.Features)
	rows, count := span(x, 0, first), span(x, first, len(x))
	return byRows("normalize "+f.Variant, rows, count, func(c *Call, i int) {
		src := rowAt(c.In[0], i, count)
		mean, variance := f.Moments(src)
		f.Standardize(rowAt(c.Out[0], i, count), src, mean, float32(1/(math.Sqrt(float64(variance))+1e-9)), 1, 0)
	}), nil
}

// fastBatchNormalization is BatchNormalization of dense float32 planes by statistics from elsewhere.
func fastBatchNormalization(n *graph.Node, t *Target) (Kernel, error) {
	for i := 1; i < 5; i++ {
		if n.In(i).DType != tensor.Float32 {
			return plainBatchNormalization[float32](n, t)
		}
	}
	x := n.In(0).Shape
	channels, err := channelsOf(x)
	if err != nil || n.Int("training_mode", 0) != 0 {
		return plainBatchNormalization[float32](n, t)
	}
	f := normalize.For(t.Features)
	planes := x[0] * channels
	plane := x.Elements() / max(planes, 1)
	if plane < shortRow {
		return plainBatchNormalization[float32](n, t)
	}
	epsilon := float64(n.Float("epsilon", 1e-5))
	return byRows("normalize "+f.Variant, planes, plane, func(c *Call, i int) {
		ch := i % channels
		parameter := func(input int) float32 { return tensor.Data[float32](c.In[input].Tensor)[ch] }
		inverse := float32(1 / math.Sqrt(float64(parameter(4))+epsilon))
		f.Standardize(rowAt(c.Out[0], i, plane), rowAt(c.In[0], i, plane), parameter(3), inverse, parameter(1), parameter(2))
	}), nil
}
