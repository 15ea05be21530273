package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// det is the determinant of each matrix of the last two dimensions, by elimination with the largest pivot of each column.
func det() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, floats); err != nil {
				return err
			}
			x := n.Inputs[0]
			if x.Shape == nil {
				yields(n, 0, x.DType, nil)
				return nil
			}
			last := len(x.Shape) - 1
			if last < 1 || x.Static() && x.Shape[last] != x.Shape[last-1] {
				return fmt.Errorf("input %s; square matrices are wanted", x.Shape)
			}
			yields(n, 0, x.DType, x.Shape[:last-1])
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			c := costReduction(n)
			c.FLOPs *= 2.0 / 3 * float64(n.Inputs[0].Shape[len(n.Inputs[0].Shape)-1])
			return c
		},
		Prepare: byFloat(prepareDet[float32], prepareDet[float64]),
	}
}

func prepareDet[T real](n *graph.Node, _ *Target) (Kernel, error) {
	d := n.Inputs[0].Shape[len(n.Inputs[0].Shape)-1]
	return Kernel{Class: "elimination", Scratch: 8 * d * d, Bind: func(c *Call) func() error {
		memory := tensor.Tensor{Bytes: c.Scratch}
		matrix := elements[float64](&memory)
		return func() error {
			out := elements[T](&c.Out[0].Tensor)
			for i := range out {
				into(matrix, elements[T](&c.In[0].Tensor)[i*d*d:][:d*d])
				out[i] = T(determinant(matrix, d))
			}
			return nil
		}
	}}, nil
}

// determinant eliminates m, of d×d, in place.
func determinant(m []float64, d int) float64 {
	product := 1.0
	for col := range d {
		pivot := col
		for r := col + 1; r < d; r++ {
			if math.Abs(m[r*d+col]) > math.Abs(m[pivot*d+col]) {
				pivot = r
			}
		}
		if m[pivot*d+col] == 0 {
			return 0
		}
		if pivot != col {
			product = -product
			for j := col; j < d; j++ {
				m[pivot*d+j], m[col*d+j] = m[col*d+j], m[pivot*d+j]
			}
		}
		product *= m[col*d+col]
		for r := col + 1; r < d; r++ {
			multiplyAdd(m[r*d+col:(r+1)*d], m[col*d+col:(col+1)*d], -m[r*d+col]/m[col*d+col])
		}
	}
	return product
}
