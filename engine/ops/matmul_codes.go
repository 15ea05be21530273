package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// fewRows is the number of rows up to which a product reads packed numbers faster than their float32 values from packed panels.
const fewRows = 4

// matMulCodes is eiplan/MatMulCodes: X·W of float32, where the constant W is what eiplan/UnpackWeights with the same attributes makes of the inputs after X,
// without indices. It is for few rows, which wait for the weights' bytes: it reads the numbers as they are stored.
func matMulCodes() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 4); err != nil {
				return err
			}
			for _, i := range []int{0, 2} {
				if err := takes(n, i, 1<<tensor.Float32); err != nil {
					return err
				}
			}
			w := weightsNode(n)
			if err := unpackWeights().Infer(w); err != nil {
				return err
			}
			p, x := packingOf(n), n.In(0).Shape
			if x == nil {
				yields(n, 0, tensor.Float32, nil)
				return nil
			}
			if len(x) == 0 || x[len(x)-1] != p.rows && x[len(x)-1] != tensor.Unknown {
				return fmt.Errorf("%s times %d×%d", x, p.rows, p.columns)
			}
			yields(n, 0, tensor.Float32, append(x[:len(x)-1:len(x)-1].Clone(), p.columns))
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			c, p := moved(n), packingOf(n)
			c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = GEMM, n.In(0).Shape.Elements()/p.rows, p.columns, p.rows, 1, 1
			c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K)
			return c
		},
		Prepare: prepareMatMulCodes,
	}
}

// weightsNode is the eiplan/UnpackWeights of a MatMulCodes.
func weightsNode(n *graph.Node) *graph.Node {
	return &graph.Node{Name: n.Name, Domain: "eiplan", Op: "UnpackWeights", Attributes: n.Attributes, Inputs: n.Inputs[1:], Outputs: []*graph.Value{{}}}
}

// readsCodes reports whether a MatMulNBits can be a MatMulCodes, and gains by it.
func readsCodes(n *graph.Node) bool {
	p, x := packingOf(n), n.Inputs[0]
	if p.bits != 4 && p.bits != 8 || p.block < 1 || p.block%vector.CodeGroup != 0 || n.In(4) != nil || x.DType != tensor.Float32 || n.Inputs[2].DType != tensor.Float32 {
		return false
	}
	for _, v := range []*graph.Value{n.In(1), n.In(2), n.In(3)} {
		if v != nil && !v.Known() {
			return false
		}
	}
	return x.Static() && len(x.Shape) > 0 && x.Shape.Elements() > 0 && x.Shape.Elements() <= fewRows*x.Shape[len(x.Shape)-1]
}

func prepareMatMulCodes(n *graph.Node, t *Target) (Kernel, error) {
	p, f := packingOf(n), vector.For(t.Features)
	if !n.In(1).Known() || !n.In(2).Known() || n.In(3) != nil && !n.In(3).Known() {
		return Kernel{}, fmt.Errorf("weights must be constant")
	}
	blocks := p.blocks()
	m, padded := n.In(0).Shape.Elements()/p.rows, blocks*p.block
	scales, zeros := constant[float32](n.In(2)), []float32{float32(int(1) << (p.bits - 1))}
	if n.In(3) != nil {
		held := &Call{In: []*Slot{nil, nil, {Tensor: tensor.Aligned(*n.In(3).Const)}}}
		zeros = make([]float32, len(scales))
		for i := range zeros {
			zeros[i] = float32(p.zero(held, i/blocks, i%blocks))
		}
	}
	dots := f.Dots4
	if p.bits == 8 {
		dots = f.Dots8
	}
	const columns = 16 // at a time, so that all rows meet them in the first cache
	bind := func(c *Call) func() error {
		x, _ := scratchFloats(c.Scratch, m*padded)
		zero := func(first, last int) []float32 {
			if len(zeros) == 1 {
				return zeros
			}
			return zeros[first*blocks : last*blocks]
		}
		work := inPieces(c.Team, p.columns, m*p.rows/4, func(first, last int) {
			y, w := tensor.Data[float32](c.Out[0].Tensor), c.In[1].Bytes
			each := padded * p.bits / 8
			for ; first < last; first += columns {
				end := min(first+columns, last)
				for i := range m {
					dots(y[i*p.columns:][first:end], x[i*padded:][:padded], w[first*each:end*each], scales[first*blocks:end*blocks], zero(first, end))
				}
			}
		})
		return func() error {
			rows := tensor.Data[float32](c.In[0].Tensor)
			for i := range m {
				from, to := rows[i*p.rows:][:p.rows], x[i*padded:][:padded]
				if p.bits == 4 {
					vector.Spread(to, from)
				} else {
					clear(to[copy(to, from):])
				}
			}
			work.run(c.Team)
			return nil
		}
	}
	return Kernel{Class: fmt.Sprintf("%d-bit weights %s", p.bits, f.Variant), Scratch: 4 * m * padded, Bind: bind}, nil
}
