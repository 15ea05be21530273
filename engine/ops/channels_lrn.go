package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

func fitsLRN(n *graph.Node) bool {
	return image4(n.In(0)) && n.In(0).DType == tensor.Float32 && n.Int("size", 0) > 0 && n.Float("bias", 1) > 0
}

// prepareChannelsLRN is LRN between images, a row of pixels at a time: x·exp(-beta·log(bias + alpha/size·Σ x²)).
func prepareChannelsLRN(n *graph.Node, t *Target) (Kernel, error) {
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	neighbours := n.Int("size", 0)
	if neighbours < 1 {
		return Kernel{}, fmt.Errorf("size is %d", neighbours)
	}
	alpha, beta, bias := n.Float("alpha", 1e-4), n.Float("beta", 0.75), n.Float("bias", 1)
	f := vector.For(t.Features)
	row := to.Width * to.PixelPitch
	each := roundUp(row, 16)
	k := Kernel{Class: "normalize " + f.Variant, Scratch: 2 * 4 * each * max(t.Threads, 1)}
	k.Bind = func(c *Call) func() error {
		part := func(worker, i int) {
			image, y := i/to.Height, i%to.Height
			x := tensor.Data[float32](c.In[0].Tensor)[from.Index(image, 0, y, 0):][:row]
			dst := tensor.Data[float32](c.Out[0].Tensor)[to.Index(image, 0, y, 0):][:row]
			squares, rest := scratchFloats(c.Scratch[worker*2*4*each:], row)
			sums, _ := scratchFloats(rest, row)
			f.Binary[vector.Mul](squares, x, x)
			for p := 0; p < row; p += to.PixelPitch {
				sumNeighbours(sums[p:p+to.PixelPitch], squares[p:p+to.Channels], neighbours)
			}
			f.Param[vector.Affine](sums, sums, alpha/float32(neighbours), bias)
			f.Unary[vector.Log](sums, sums)
			f.Scalar[vector.MulScalar](sums, sums, -beta)
			f.Unary[vector.Exp](sums, sums)
			f.Binary[vector.Mul](dst, x, sums)
		}
		return func() error {
			inParts(c.Team, n.In(0).Shape[0]*to.Height, part)
			return nil
		}
	}
	return k, nil
}

// sumNeighbours writes for each channel the sum over it and its neighbours, as many in all as count, one more after it than before where count is
// even; and zeros after the last channel.
func sumNeighbours(dst, src []float32, count int) {
	before, after := (count-1)/2, count/2
	for i := range src {
		var total float32
		for _, v := range src[max(i-before, 0):min(i+after+1, len(src))] {
			total += v
		}
		dst[i] = total
	}
	clear(dst[len(src):])
}
