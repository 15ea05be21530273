package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
)

// inverse is the inverse of each matrix of the last two dimensions.
func inverse() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := inferSame(n); err != nil {
				return err
			}
			if s := n.Inputs[0].Shape; s != nil && (len(s) < 2 || s[len(s)-1] != s[len(s)-2] && s.Static()) {
				return fmt.Errorf("input %s; square matrices are wanted", s)
			}
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = Host
			s := n.Inputs[0].Shape
			c.FLOPs = 2 * float64(s.Elements()) * float64(s[len(s)-1])
			return c
		},
		Prepare: byFloat(prepareInverse[float32], prepareInverse[float64]),
	}
}

func prepareInverse[T real](n *graph.Node, _ *Target) (Kernel, error) {
	s := n.Inputs[0].Shape
	size := s[len(s)-1]
	return Kernel{Class: "host", Bind: func(c *Call) func() error {
		work := make([]float64, 2*size*size)
		return func() error {
			x, y := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for at := 0; at < len(x); at += size * size {
				invert(work, y[at:][:size*size], x[at:][:size*size], size)
			}
			return nil
		}
	}}, nil
}

// invert eliminates by Gauss and Jordan, with the largest pivot of a column; a singular matrix gives infinities and NaN.
func invert[T real](work []float64, dst, src []T, n int) {
	width := 2 * n
	clear(work)
	for i := range n {
		for j := range n {
			work[i*width+j] = float64(src[i*n+j])
		}
		work[i*width+n+i] = 1
	}
	for col := range n {
		best := col
		for i := col; i < n; i++ {
			if math.Abs(work[i*width+col]) > math.Abs(work[best*width+col]) {
				best = i
			}
		}
		for j := range width {
			work[col*width+j], work[best*width+j] = work[best*width+j], work[col*width+j]
		}
		pivot := work[col*width+col]
		for j := range width {
			work[col*width+j] /= pivot
		}
		for i := range n {
			if factor := work[i*width+col]; i != col {
				for j := range width {
					work[i*width+j] -= factor * work[col*width+j]
				}
			}
		}
	}
	for i := range n {
		for j := range n {
			dst[i*n+j] = T(work[i*width+n+j])
		}
	}
}
