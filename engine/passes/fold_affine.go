package passes

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// foldAffine takes what scales and shifts the channels of a convolution into its weights:
//
//	Conv(x, w, b) → BatchNormalization(·, scale, shift, mean, variance)    →  Conv(x, w·s, (b - mean)·s + shift), s = scale/√(variance + epsilon)
//	Conv(x, w, b) → Mul, Div, Add or Sub with a constant for each channel  →  Conv(x, w·s, b·s + t)
//
// and the same for ConvTranspose. Everything but x is constant.
var foldAffine = rewriting("fold affine into conv", func(e *editor, n *graph.Node, o Options) {
	x, a := affineOf(n)
	if a == nil {
		return
	}
	c := e.maker(x)
	if c == nil || !c.Is("", "Conv") && !c.Is("", "ConvTranspose") || !c.In(1).Known() || c.In(2) != nil && !c.In(2).Known() || c.Inputs[1].DType != tensor.Float32 {
		return
	}
	weights := c.Inputs[1]
	if !o.Counting {
		weights = a.weights(c)
	}
	e.read(c, []*graph.Value{c.Inputs[0], weights, a.bias(c)})
	c.From = from(c, n)
	e.replace(n.Outputs[0], c.Outputs[0])
	e.remove(n)
})

// affine is y = x·scale + shift, for each channel.
type affine struct{ scale, shift []float64 }

// affineOf reads n as an affine function of one of its inputs, whose channels are its dimension 1; nil where it is none.
func affineOf(n *graph.Node) (*graph.Value, *affine) {
	if n.Domain != "" || n.Outputs[0] == nil {
		return nil, nil
	}
	switch n.Op {
	case "BatchNormalization":
		return n.Inputs[0], batchAffine(n)
	case "Mul", "Div", "Add", "Sub":
	default:
		return nil, nil
	}
	for i, x := range n.Inputs {
		c := n.Inputs[1-i]
		if x.Known() || !c.Known() || i == 1 && (n.Op == "Div" || n.Op == "Sub") || x.Shape == nil || len(x.Shape) < 2 || x.DType != tensor.Float32 {
			continue
		}
		if len(c.Shape) > len(x.Shape) {
			continue
		}
		if each := perChannel(c, len(x.Shape), x.Shape[1]); each != nil {
			return x, arithmetic(n.Op, each)
		}
	}
	return nil, nil
}

// batchAffine is a BatchNormalization's, where its parameters are constants of float32.
func batchAffine(n *graph.Node) *affine {
	if n.Int("training_mode", 0) != 0 {
		return nil
	}
	for _, v := range n.Inputs[1:5] {
		if !v.Known() || v.DType != tensor.Float32 {
			return nil
		}
	}
	scale, shift, mean, variance := floats(n.Inputs[1]), floats(n.Inputs[2]), floats(n.Inputs[3]), floats(n.Inputs[4])
	epsilon := float64(n.Float("epsilon", 1e-5))
	a := &affine{make([]float64, len(scale)), make([]float64, len(scale))}
	for i := range scale {
		a.scale[i] = float64(scale[i]) / math.Sqrt(float64(variance[i])+epsilon)
		a.shift[i] = float64(shift[i]) - float64(mean[i])*a.scale[i]
	}
	return a
}

// perChannel spreads a constant over channels, where it is one number or one for each channel; nil for any other shape.
func perChannel(c *graph.Value, rank, channels int) []float32 {
	if c.DType != tensor.Float32 || channels < 1 {
		return nil
	}
	for i, d := range c.Shape {
		if d != 1 && (i+rank-len(c.Shape) != 1 || d != channels) {
			return nil
		}
	}
	data := floats(c)
	each := make([]float32, channels)
	for i := range each {
		each[i] = data[i%len(data)]
	}
	return each
}

// arithmetic is the affine function that an operator with a constant second operand is.
func arithmetic(op string, each []float32) *affine {
	a := &affine{make([]float64, len(each)), make([]float64, len(each))}
	for i, c := range each {
		switch op {
		case "Mul":
			a.scale[i] = float64(c)
		case "Div":
			a.scale[i] = 1 / float64(c)
		case "Add":
			a.scale[i], a.shift[i] = 1, float64(c)
		case "Sub":
			a.scale[i], a.shift[i] = 1, -float64(c)
		}
	}
	return a
}

// weights are c's, each output channel's scaled.
func (a *affine) weights(c *graph.Node) *graph.Value {
	w := c.Inputs[1]
	src := floats(w)
	dst := make([]float32, len(src))
	run, channel := w.Shape[1:].Elements(), func(i int) int { return i } // of a run of weights
	if c.Op == "ConvTranspose" {
		perGroup, inGroup := w.Shape[1], w.Shape[0]/c.Int("group", 1)
		run, channel = w.Shape[2:].Elements(), func(i int) int { return i/perGroup/inGroup*perGroup + i%perGroup }
	}
	run = max(run, 1)
	parallel.Ranges(len(src)/run, max(weightsAtOnce/run, 1), func(first, last int) {
		for i := first; i < last; i++ {
			scale, to := a.scale[channel(i)], dst[i*run:][:run]
			for j, x := range src[i*run:][:run] {
				to[j] = float32(float64(x) * scale)
			}
		}
	})
	return constantOf(w.Name, w.Shape.Clone(), dst)
}

// bias is c's, or zero, under a.
func (a *affine) bias(c *graph.Node) *graph.Value {
	dst := make([]float32, len(a.scale))
	name := c.Name + ".bias"
	var src []float32
	if b := c.In(2); b != nil {
		src, name = floats(b), b.Name
	}
	for i := range dst {
		b := 0.0
		if src != nil {
			b = float64(src[i])
		}
		dst[i] = float32(b*a.scale[i] + a.shift[i])
	}
	return constantOf(name, tensor.Shape{len(dst)}, dst)
}
