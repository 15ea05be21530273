package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// lrnBlock is how many pixels of a plane are done at a time, so that what lies between the passes stays in the nearest cache.
const lrnBlock = 2 << 10

// fastLRN is LRN on dense float32 planes, as x·exp(-beta·log(bias + alpha/size·Σ x²)): what is raised to a power has to be positive.
func fastLRN(n *graph.Node, t *Target) (Kernel, error) {
	x := n.In(0).Shape
	neighbours := n.Int("size", 0)
	alpha, beta, bias := n.Float("alpha", 1e-4), n.Float("beta", 0.75), n.Float("bias", 1)
	if neighbours < 1 || alpha < 0 || !(bias > 0) {
		return plainLRN[float32](n, t)
	}
	f := vector.For(t.Features)
	channels, plane := x[1], x[2:].Elements()
	width := min(plane, lrnBlock)
	perPlane, each := ceilDiv(plane, max(width, 1)), roundUp(width, 16)
	k := Kernel{Class: "normalize " + f.Variant, Scratch: 2 * 4 * each * max(t.Threads, 1)}
	k.Bind = func(c *Call) func() error {
		part := func(worker, i int) {
			sample, ch, first := i/perPlane/channels, i/perPlane%channels, i%perPlane*width
			own := min(width, plane-first)
			at := func(s *Slot, ch int) []float32 {
				return tensor.Data[float32](s.Tensor)[(sample*channels+ch)*plane+first:][:own]
			}
			sums, rest := scratchFloats(c.Scratch[worker*2*4*each:], own)
			squares, _ := scratchFloats(rest, own)
			clear(sums)
			for k := max(ch-(neighbours-1)/2, 0); k <= min(ch+neighbours/2, channels-1); k++ {
				f.Binary[vector.Mul](squares, at(c.In[0], k), at(c.In[0], k))
				f.Binary[vector.Add](sums, sums, squares)
			}
			f.Param[vector.Affine](sums, sums, alpha/float32(neighbours), bias)
			f.Unary[vector.Log](sums, sums)
			f.Scalar[vector.MulScalar](sums, sums, -beta)
			f.Unary[vector.Exp](sums, sums)
			f.Binary[vector.Mul](at(c.Out[0], ch), at(c.In[0], ch), sums)
		}
		return func() error {
			inParts(c.Team, x[0]*channels*perPlane, part)
			return nil
		}
	}
	return k, nil
}

// inferLRN wants channels.
func inferLRN(n *graph.Node) error {
	if err := inferSame(n); err != nil {
		return err
	}
	if s := n.In(0).Shape; s != nil && len(s) < 2 {
		return fmt.Errorf("input %s has no channels", s)
	}
	return nil
}

// plainLRN computes X/(bias + alpha/size·Σ X²)^beta, the sum over size neighbouring channels.
func plainLRN[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x := n.In(0).Shape
	neighbours := n.Int("size", 0)
	if neighbours < 1 {
		return Kernel{}, fmt.Errorf("size is %d", neighbours)
	}
	alpha, beta, bias := float64(n.Float("alpha", 1e-4)), float64(n.Float("beta", 0.75)), float64(n.Float("bias", 1))
	channels, plane := x[1], x[2:].Elements()
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			src, dst := tensor.Data[T](c.In[0].Tensor), tensor.Data[T](c.Out[0].Tensor)
			sample, ch := i/channels*channels, i%channels
			from, to := max(ch-(neighbours-1)/2, 0), min(ch+neighbours/2, channels-1)
			for j := range plane {
				squares := 0.0
				for k := from; k <= to; k++ {
					v := float64(src[(sample+k)*plane+j])
					squares += v * v
				}
				dst[i*plane+j] = T(float64(src[i*plane+j]) * math.Pow(bias+alpha/float64(neighbours)*squares, -beta))
			}
		}
		return func() error {
			inParts(c.Team, x[0]*channels, part)
			return nil
		}
	}
	return Kernel{Class: "plain normalize", Bind: bind}, nil
}
