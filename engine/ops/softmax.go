package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// softmax, logSoftmax and hardmax are ONNX's, along one axis.
func softmax() Op {
	return Op{Infer: inferSoftmax, Cost: costNormalize, Prepare: byFloat(fastSoftmax, plainSoftmax[float64])}
}

func logSoftmax() Op {
	return Op{Infer: inferSoftmax, Cost: costNormalize, Prepare: byFloat(fastLogSoftmax, plainLogSoftmax[float64])}
}

func hardmax() Op {
	return Op{Infer: inferSoftmax, Cost: costNormalize, Prepare: byFloat(plainHardmax[float32], plainHardmax[float64])}
}

func inferSoftmax(n *graph.Node) error {
	if err := inferSame(n); err != nil {
		return err
	}
	if s := n.In(0).Shape; s != nil {
		_, err := axisOf(n.Int("axis", -1), len(s))
		return err
	}
	return nil
}

// alongAxis is a kernel whose work is line by line along the axis attribute. Lines that are not contiguous are gathered into scratch memory, one
// pair of lines for each worker.
func alongAxis[T real](n *graph.Node, fallback int, class string, line func(dst, src []T)) (Kernel, error) {
	x := n.In(0).Shape
	axis, err := axisOf(n.Int("axis", fallback), len(x))
	if err != nil {
		return Kernel{}, err
	}
	count, inner := x[axis], span(x, axis+1, len(x))
	lines := span(x, 0, axis) * inner
	if count == 0 {
		lines = 0
	}
	bind := func(c *Call) func() error {
		gathered := make([]T, 2*count*c.Team.Size())
		part := func(worker, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor), tensor.Data[T](c.Out[0].Tensor)
			if inner == 1 {
				line(dst[i*count:][:count], src[i*count:][:count])
				return
			}
			at := i/inner*inner*count + i%inner
			from, to := gathered[2*worker*count:][:count], gathered[(2*worker+1)*count:][:count]
			for j := range from {
				from[j] = src[at+j*inner]
			}
			line(to, from)
			for j, v := range to {
				dst[at+j*inner] = v
			}
		}
		return func() error {
			inParts(c.Team, lines, part)
			return nil
		}
	}
	return Kernel{Class: class, Bind: bind}, nil
}

// plainSoftmax computes exp(x - max)/Σ exp(x - max).
func plainSoftmax[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return alongAxis(n, -1, "plain softmax", func(dst, src []T) {
		top, total := largest(src), 0.0
		for i, v := range src {
			e := math.Exp(float64(v - top))
			dst[i] = T(e)
			total += e
		}
		for i := range dst {
			dst[i] = T(float64(dst[i]) / total)
		}
	})
}

// plainLogSoftmax computes x - max - log Σ exp(x - max).
func plainLogSoftmax[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return alongAxis(n, -1, "plain softmax", func(dst, src []T) {
		top, total := largest(src), 0.0
		for _, v := range src {
			total += math.Exp(float64(v - top))
		}
		log := math.Log(total)
		for i, v := range src {
			dst[i] = T(float64(v-top) - log)
		}
	})
}

// plainHardmax is 1 at the first largest element and 0 elsewhere.
func plainHardmax[T real](n *graph.Node, _ *Target) (Kernel, error) {
	return alongAxis(n, -1, "plain softmax", func(dst, src []T) {
		at := 0
		for i, v := range src {
			if v > src[at] {
				at = i
			}
		}
		fill(dst, 0)
		dst[at] = 1
	})
}

// largest is the maximum of a line that is not empty; NaN where one is.
func largest[T real](x []T) T {
	top := x[0]
	for _, v := range x[1:] {
		if v > top || v != v {
			top = v
		}
	}
	return top
}
