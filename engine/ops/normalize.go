package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// The normalisations of ONNX that take their statistics from X itself.
func instanceNormalization() Op {
	return Op{Infer: inferInstanceNormalization, Cost: costNormalize, Prepare: byFloat(fastInstanceNormalization, plainInstanceNormalization[float64])}
}

func groupNormalization() Op {
	return Op{Infer: inferInstanceNormalization, Cost: costNormalize, Prepare: byFloat(fastGroupNormalization, plainGroupNormalization[float64])}
}

func layerNormalization() Op {
	return Op{Infer: inferLayerNormalization, Cost: costNormalize, Prepare: prepareLayerNormalization}
}

func rmsNormalization() Op {
	return Op{Infer: inferLayerNormalization, Cost: costNormalize, Prepare: halved(byFloat(fastRMSNormalization, plainRMSNormalization[float64]))}
}

func lpNormalization() Op {
	return Op{Infer: inferSame, Cost: costNormalize, Prepare: byFloat(fastLpNormalization, plainLpNormalization[float64])}
}

func meanVarianceNormalization() Op {
	return Op{Infer: inferSame, Cost: costNormalize, Prepare: byFloat(fastMeanVariance, plainMeanVariance[float64])}
}

func lrn() Op {
	return Op{Infer: inferLRN, Cost: costNormalize, Prepare: byFloat(fastLRN, plainLRN[float64])}
}

// inferSame gives the output the type and the shape of the only input, which is floating-point.
func inferSame(n *graph.Node) error {
	if err := arity(n, 1, 1); err != nil {
		return err
	}
	if err := takes(n, 0, floats); err != nil {
		return err
	}
	yields(n, 0, n.In(0).DType, n.In(0).Shape)
	return nil
}

// inferInstanceNormalization checks scale and bias against the channels.
func inferInstanceNormalization(n *graph.Node) error {
	if err := arity(n, 3, 3); err != nil {
		return err
	}
	x := n.In(0)
	if err := sameTypes(n, floats, 0, 1, 2); err != nil {
		return err
	}
	yields(n, 0, x.DType, x.Shape)
	if x.Shape == nil {
		return nil
	}
	if len(x.Shape) < 2 {
		return fmt.Errorf("input %s has no channels", x.Shape)
	}
	for i := 1; i < 3; i++ {
		if s := n.In(i).Shape; s != nil && s.Static() && x.Shape[1] != tensor.Unknown && !s.Equal(tensor.Shape{x.Shape[1]}) {
			return fmt.Errorf("input %d is %s for %d channels", i, s, x.Shape[1])
		}
	}
	return nil
}

// inferLayerNormalization sets Y, and the mean and the inverse deviation with the normalised dimensions 1.
func inferLayerNormalization(n *graph.Node) error {
	if err := arity(n, 2, 3); err != nil {
		return err
	}
	x := n.In(0)
	if err := takes(n, 0, floats); err != nil {
		return err
	}
	for i := 1; i < len(n.Inputs); i++ {
		if err := takes(n, i, floats); err != nil {
			return err
		}
		if v := n.In(i); v != nil && (v.DType == tensor.Float64) != (x.DType == tensor.Float64) {
			return fmt.Errorf("input %d is %s where X is %s", i, v.DType, x.DType)
		}
	}
	yields(n, 0, x.DType, x.Shape)
	statistics := tensor.Float32
	if n.Int("stash_type", int(tensor.Float32)) == int(tensor.BFloat16) {
		statistics = tensor.BFloat16
	}
	if x.Shape == nil {
		yields(n, 1, statistics, nil)
		yields(n, 2, statistics, nil)
		return nil
	}
	axis, err := axisOf(n.Int("axis", -1), len(x.Shape))
	if err != nil {
		return err
	}
	kept := x.Shape.Clone()
	for i := axis; i < len(kept); i++ {
		kept[i] = 1
	}
	yields(n, 1, statistics, kept)
	yields(n, 2, statistics, kept)
	for i := 1; i < len(n.Inputs); i++ {
		if v := n.In(i); v != nil && v.Shape != nil {
			if joined, ok := broadcastDims(x.Shape, v.Shape); !ok || len(joined) != len(x.Shape) || x.Static() && !joined.Equal(x.Shape) {
				return fmt.Errorf("input %d of %s does not broadcast to %s", i, v.Shape, x.Shape)
			}
		}
	}
	return nil
}

// deviation is a row's mean and its mean squared distance from it.
func deviation[T real](row []T) (mean, variance float64) {
	mean = sum(row) / float64(len(row))
	for _, v := range row {
		variance += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, variance / float64(len(row))
}

// plainInstanceNormalization normalises each plane of each sample.
func plainInstanceNormalization[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return normalizeGroups[T](n, n.In(0).Shape[1])
}

// plainGroupNormalization normalises groups of channels of each sample.
func plainGroupNormalization[T real](n *graph.Node, _ *Target) (Kernel, error) {
	groups, err := groupsOf(n)
	if err != nil {
		return Kernel{}, err
	}
	return normalizeGroups[T](n, groups)
}

// groupsOf is how many groups a GroupNormalization divides the channels into.
func groupsOf(n *graph.Node) (int, error) {
	groups := n.Int("num_groups", 0)
	if channels := n.In(0).Shape[1]; groups < 1 || channels%groups != 0 {
		return 0, fmt.Errorf("num_groups %d for %d channels", groups, channels)
	}
	return groups, nil
}

func normalizeGroups[T real](n *graph.Node, groups int) (Kernel, error) {
	x := n.In(0).Shape
	epsilon := float64(n.Float("epsilon", 1e-5))
	channels, plane := x[1]/max(groups, 1), x[2:].Elements()
	count := channels * plane
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor)[i*count:][:count], tensor.Data[T](c.Out[0].Tensor)[i*count:][:count]
			scale, bias := tensor.Data[T](c.In[1].Tensor), tensor.Data[T](c.In[2].Tensor)
			mean, variance := deviation(src)
			inverse := 1 / math.Sqrt(variance+epsilon)
			first := i % groups * channels
			for j, v := range src {
				ch := first + j/plane
				dst[j] = T((float64(v)-mean)*inverse*float64(scale[ch]) + float64(bias[ch]))
			}
		}
		return func() error {
			inParts(c.Team, x[0]*groups, part)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}

// layerRows is how a LayerNormalization or RMSNormalization cuts X: rows of count elements, and where in its parameters each row's begin.
func layerRows(n *graph.Node) (rows, count int, err error) {
	x := n.In(0).Shape
	axis, err := axisOf(n.Int("axis", -1), len(x))
	if err != nil {
		return 0, 0, err
	}
	return span(x, 0, axis), span(x, axis, len(x)), nil
}

// parameterPlaces lists, for each element of X, its parameter's place in an input that broadcasts to X; nil where every row takes the whole of it.
func parameterPlaces(n *graph.Node, input, count int) []int {
	v := n.In(input)
	if v == nil || v.Shape.Elements() == count {
		return nil
	}
	p := product{batch: n.In(0).Shape}
	return p.offsets(v.Shape)
}

// rowParameter is the parameter of element i, which is at place j of its row.
func rowParameter[T real](data []T, places []int, i, j int) float64 {
	if places != nil {
		return float64(data[places[i]])
	}
	return float64(data[j])
}

func plainLayerNormalization[T real](n *graph.Node, _ *Target) (Kernel, error) {
	rows, count, err := layerRows(n)
	if err != nil {
		return Kernel{}, err
	}
	epsilon := float64(n.Float("epsilon", 1e-5))
	scales, shifts := parameterPlaces(n, 1, count), parameterPlaces(n, 2, count)
	shifted := n.In(2) != nil
	bind := func(c *Call) func() error {
		row := func(_, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor)[i*count:][:count], tensor.Data[T](c.Out[0].Tensor)[i*count:][:count]
			scale := tensor.Data[T](c.In[1].Tensor)
			mean, variance := deviation(src)
			inverse := 1 / math.Sqrt(variance+epsilon)
			for j, v := range src {
				y := (float64(v) - mean) * inverse * rowParameter(scale, scales, i*count+j, j)
				if shifted {
					y += rowParameter(tensor.Data[T](c.In[2].Tensor), shifts, i*count+j, j)
				}
				dst[j] = T(y)
			}
			setStatistic(c, 1, i, mean)
			setStatistic(c, 2, i, inverse)
		}
		return func() error {
			inParts(c.Team, rows, row)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}

// setStatistic stores a row's mean or inverse deviation where somebody wants it.
func setStatistic(c *Call, output, row int, v float64) {
	if output >= len(c.Out) || c.Out[output] == nil {
		return
	}
	switch t := c.Out[output].Tensor; t.DType {
	case tensor.BFloat16:
		tensor.Data[uint16](t)[row] = tensor.BFloat16Bits(float32(v))
	case tensor.Float32:
		tensor.Data[float32](t)[row] = float32(v)
	default:
		panic("ops: statistic of type " + t.DType.String())
	}
}

// plainRMSNormalization divides each row by its root mean square.
func plainRMSNormalization[T real](n *graph.Node, _ *Target) (Kernel, error) {
	rows, count, err := layerRows(n)
	if err != nil {
		return Kernel{}, err
	}
	epsilon := float64(n.Float("epsilon", 1e-5))
	scales := parameterPlaces(n, 1, count)
	bind := func(c *Call) func() error {
		row := func(_, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor)[i*count:][:count], tensor.Data[T](c.Out[0].Tensor)[i*count:][:count]
			scale := tensor.Data[T](c.In[1].Tensor)
			squares := 0.0
			for _, v := range src {
				squares += float64(v) * float64(v)
			}
			inverse := 1 / math.Sqrt(squares/float64(count)+epsilon)
			for j, v := range src {
				dst[j] = T(float64(v) * inverse * rowParameter(scale, scales, i*count+j, j))
			}
		}
		return func() error {
			inParts(c.Team, rows, row)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}

// plainLpNormalization divides each line along an axis by its 1- or 2-norm; a line of zeros stays.
func plainLpNormalization[T real](n *graph.Node, _ *Target) (Kernel, error) {
	p, err := normOf(n)
	if err != nil {
		return Kernel{}, err
	}
	return alongAxis(n, -1, "plain normalize", func(dst, src []T) { divideByNorm(dst, src, p) })
}

// normOf is the p of an LpNormalization.
func normOf(n *graph.Node) (int, error) {
	p := n.Int("p", 2)
	if p != 1 && p != 2 {
		return 0, fmt.Errorf("p is %d; it may be 1 or 2", p)
	}
	return p, nil
}

func divideByNorm[T real](dst, src []T, p int) {
	norm := 0.0
	for _, v := range src {
		if p == 1 {
			norm += math.Abs(float64(v))
		} else {
			norm += float64(v) * float64(v)
		}
	}
	if p == 2 {
		norm = math.Sqrt(norm)
	}
	if norm == 0 {
		norm = 1
	}
	for i, v := range src {
		dst[i] = T(float64(v) / norm)
	}
}

// plainMeanVariance computes (X - mean)/(deviation + 1e-9) over the given axes.
func plainMeanVariance[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x := n.In(0).Shape
	axes, err := meanVarianceAxes(n)
	if err != nil {
		return Kernel{}, err
	}
	groups := groupsOver(x, axes)
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor), tensor.Data[T](c.Out[0].Tensor)
			total, squares, count := 0.0, 0.0, float64(len(groups[i]))
			for _, at := range groups[i] {
				total += float64(src[at])
			}
			mean := total / count
			for _, at := range groups[i] {
				squares += (float64(src[at]) - mean) * (float64(src[at]) - mean)
			}
			scale := 1 / (math.Sqrt(squares/count) + 1e-9)
			for _, at := range groups[i] {
				dst[at] = T((float64(src[at]) - mean) * scale)
			}
		}
		return func() error {
			inParts(c.Team, len(groups), part)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}

// meanVarianceAxes are the axes that a MeanVarianceNormalization takes its statistics over.
func meanVarianceAxes(n *graph.Node) ([]int, error) {
	axes := n.Ints("axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	return axesOf(axes, len(n.In(0).Shape))
}

// groupsOver lists the places of the elements that differ in the given axes alone.
func groupsOver(s tensor.Shape, axes []int) [][]int32 {
	kept := s.Clone()
	for _, a := range axes {
		kept[a] = 1
	}
	p := product{batch: s}
	groups := make([][]int32, kept.Elements())
	for at, g := range p.offsets(kept) {
		groups[g] = append(groups[g], int32(at))
	}
	return slices.Clip(groups)
}
