package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// fastGemm is a Gemm of float32, nothing of it empty: the product by the tiles of MatMul, then factors and C. A is copied where it is transposed.
func fastGemm(n *graph.Node, t *Target) (Kernel, error) {
	m, cols, depth, err := gemmShape(n)
	if err != nil {
		return Kernel{}, err
	}
	var turn []piece
	product := *n
	product.Inputs = []*graph.Value{n.In(0), n.In(1)}
	if n.Int("transA", 0) != 0 {
		product.Inputs[0] = &graph.Value{Name: n.In(0).Name, DType: tensor.Float32, Shape: tensor.Shape{m, depth}}
		turn = []piece{{to: move.View{Stride: []int{depth, 1}}, from: move.View{Stride: []int{1, m}}, shape: []int{m, depth}}}
	}
	var k Kernel
	switch {
	case n.In(1).Known():
		k, err = prepareFusedMatMul(&product, t)
	case n.Int("transB", 0) != 0:
		k, err = steppedProducts(&product, t, nil, []int{1, 0}, nil)
	default:
		k, err = steppedProducts(&product, t, nil, nil, nil)
	}
	if err != nil {
		return Kernel{}, err
	}
	end := gemmEnd{cols: cols, alpha: n.Float("alpha", 1), beta: n.Float("beta", 1), f: vector.For(t.Features)}
	if n.In(2) != nil && end.beta != 0 {
		end.adds = true
		end.rowC, end.colC = broadcastStrides(n.In(2).Shape, m, cols)
	}
	inner, bind := k.Scratch, k.Bind
	if turn != nil {
		k.Scratch = roundUp(inner, memoryAlign) + 4*m*depth
	}
	k.Bind = func(c *Call) func() error {
		own := &Call{In: []*Slot{c.In[0], c.In[1]}, Out: c.Out, Scratch: c.Scratch[:inner:inner], Team: c.Team}
		var work []func() error
		if turn != nil {
			a := &Slot{Tensor: tensor.Tensor{DType: tensor.Float32, Shape: tensor.Shape{m, depth}, Bytes: c.Scratch[roundUp(inner, memoryAlign):][:4*m*depth]}}
			own.In[0] = a
			work = append(work, copyPieces(&Call{In: c.In[:1], Out: []*Slot{a}, Team: c.Team}, t, turn))
		}
		work = append(work, bind(own))
		if end.adds || end.alpha != 1 {
			work = append(work, end.bind(c, m))
		}
		return func() error {
			for _, do := range work {
				if err := do(); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return k, nil
}

// gemmEnd makes alpha·P + beta·C of a product P in place.
type gemmEnd struct {
	cols        int
	alpha, beta float32
	adds        bool // there is a C
	rowC, colC  int  // steps through it
	f           *vector.Funcs
}

func (e gemmEnd) bind(c *Call, m int) func() error {
	work := inPieces(c.Team, m, e.cols, func(first, last int) {
		y := tensor.Data[float32](c.Out[0].Tensor)[first*e.cols : last*e.cols]
		if e.alpha != 1 {
			e.f.Scalar[vector.MulScalar](y, y, e.alpha)
		}
		if !e.adds {
			return
		}
		plus := tensor.Data[float32](c.In[2].Tensor)
		if e.colC == 1 && e.rowC == e.cols { // C is as dense as the result
			e.f.Axpy(y, plus[first*e.cols:last*e.cols], e.beta)
			return
		}
		for i := first; i < last; i++ {
			row, from := y[(i-first)*e.cols:][:e.cols], plus[i*e.rowC:]
			if e.colC == 1 {
				e.f.Axpy(row, from[:e.cols], e.beta)
			} else {
				e.f.Scalar[vector.AddScalar](row, row, e.beta*from[0])
			}
		}
	})
	return func() error { work.run(c.Team); return nil }
}
