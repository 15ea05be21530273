package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// batchNormalization is ONNX BatchNormalization: Y = (X - mean)/√(var + epsilon)·scale + B for each channel. With training_mode the mean and the
// variance are those of X, and the running ones come out beside Y.
func batchNormalization() Op {
	return Op{Infer: inferBatchNormalization, Cost: costNormalize, Prepare: halved(byFloat(fastBatchNormalization, plainBatchNormalization[float64]))}
}

func inferBatchNormalization(n *graph.Node) error {
	if err := arity(n, 5, 5); err != nil {
		return err
	}
	x := n.In(0)
	for i := range n.Inputs {
		if err := takes(n, i, floats); err != nil {
			return err
		}
	}
	if d := n.In(3).DType; d != n.In(4).DType || n.Int("training_mode", 0) != 0 && (d == tensor.Float64) != (x.DType == tensor.Float64) {
		return fmt.Errorf("mean %s and variance %s for X %s", d, n.In(4).DType, x.DType)
	}
	yields(n, 0, x.DType, x.Shape)
	yields(n, 1, n.In(3).DType, n.In(3).Shape)
	yields(n, 2, n.In(4).DType, n.In(4).Shape)
	if x.Shape == nil {
		return nil
	}
	channels, err := channelsOf(x.Shape)
	if err != nil {
		return err
	}
	for i := 1; i < 5; i++ {
		if s := n.In(i).Shape; s != nil && s.Static() && channels != tensor.Unknown && !s.Equal(tensor.Shape{channels}) {
			return fmt.Errorf("input %d is %s for %d channels", i, s, channels)
		}
	}
	return nil
}

// channelsOf is dimension 1 of a shape, and 1 for a vector.
func channelsOf(s tensor.Shape) (int, error) {
	switch len(s) {
	case 0:
		return 0, fmt.Errorf("a scalar has no channels")
	case 1:
		return 1, nil
	}
	return s[1], nil
}

// costNormalize counts the usual few operations an element: a difference, a square and a sum, a quotient, and a scale with its shift.
func costNormalize(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Normalize
	c.FLOPs = 5 * float64(n.Outputs[0].Shape.Elements())
	return c
}

func plainBatchNormalization[T real](n *graph.Node, t *Target) (Kernel, error) {
	epsilon, momentum := float64(n.Float("epsilon", 1e-5)), float64(n.Float("momentum", 0.9))
	training := n.Int("training_mode", 0) != 0
	x := n.In(0).Shape
	channels, err := channelsOf(x)
	if err != nil {
		return Kernel{}, err
	}
	plane := x.Elements() / max(x[0]*channels, 1)
	parameter := make([]func(c *Call, ch int) float64, 5)
	for i := 1; i < 5; i++ {
		if parameter[i], err = floatAt(n, i); err != nil {
			return Kernel{}, err
		}
	}
	bind := func(c *Call) func() error {
		channel := func(_, ch int) {
			src, dst := tensor.Data[T](c.In[0].Tensor), tensor.Data[T](c.Out[0].Tensor)
			mean, variance := parameter[3](c, ch), parameter[4](c, ch)
			if training {
				m, v := moments(src, ch, x[0], channels, plane)
				setRunning[T](c, 1, ch, momentum*mean+(1-momentum)*m)
				setRunning[T](c, 2, ch, momentum*variance+(1-momentum)*v)
				mean, variance = m, v
			}
			scale := parameter[1](c, ch) / math.Sqrt(variance+epsilon)
			shift := parameter[2](c, ch)
			for b := range x[0] {
				at := (b*channels + ch) * plane
				to := dst[at:][:plane]
				for i, v := range src[at:][:plane] {
					to[i] = T((float64(v)-mean)*scale + shift)
				}
			}
		}
		return func() error {
			inParts(c.Team, channels, channel)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}

// floatAt reads elements of an input of any floating-point type.
func floatAt(n *graph.Node, input int) (func(c *Call, i int) float64, error) {
	switch d := n.In(input).DType; d {
	case tensor.Float32:
		return func(c *Call, i int) float64 { return float64(tensor.Data[float32](c.In[input].Tensor)[i]) }, nil
	case tensor.Float64:
		return func(c *Call, i int) float64 { return tensor.Data[float64](c.In[input].Tensor)[i] }, nil
	case tensor.Float16:
		return func(c *Call, i int) float64 {
			return float64(tensor.FromFloat16(tensor.Data[uint16](c.In[input].Tensor)[i]))
		}, nil
	case tensor.BFloat16:
		return func(c *Call, i int) float64 {
			return float64(tensor.FromBFloat16(tensor.Data[uint16](c.In[input].Tensor)[i]))
		}, nil
	default:
		return nil, badType(d)
	}
}

// moments is the mean and the population variance of a channel.
func moments[T real](x []T, channel, batch, channels, plane int) (mean, variance float64) {
	count := float64(batch * plane)
	for b := range batch {
		mean += sum(x[(b*channels+channel)*plane:][:plane])
	}
	mean /= count
	for b := range batch {
		for _, v := range x[(b*channels+channel)*plane:][:plane] {
			variance += (float64(v) - mean) * (float64(v) - mean)
		}
	}
	return mean, variance / count
}

// setRunning stores a running statistic where somebody wants it.
func setRunning[T real](c *Call, output, channel int, v float64) {
	if output < len(c.Out) && c.Out[output] != nil {
		tensor.Data[T](c.Out[output].Tensor)[channel] = T(v)
	}
}
