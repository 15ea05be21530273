package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/models/tensor"
)

// fusedMatMul is eiplan/MatMul: X·W + bias + residual, clamped to the attributes lo and hi where they are given. W is a constant matrix, the transpose
// of the stored one where transB is 1; bias is a constant row; the residual has the shape of the result. Bias and residual may be absent.
func fusedMatMul() Op {
	return Op{Infer: inferFusedMatMul, Cost: costFusedMatMul, Prepare: prepareFusedMatMul}
}

// weightShape is K and N of the constant operand.
func weightShape(n *graph.Node) (k, cols int) {
	w := n.In(1).Shape
	if n.Int("transB", 0) != 0 {
		return w[1], w[0]
	}
	return w[0], w[1]
}

func inferFusedMatMul(n *graph.Node) error {
	if err := arity(n, 2, 4); err != nil {
		return err
	}
	x, y := n.In(0), n.Outputs[0]
	if y.DType != tensor.BFloat16 && y.DType != tensor.Float32 { // the precision pass may have settled how it is stored
		y.DType = x.DType
	}
	if !n.In(1).Known() || len(n.In(1).Shape) != 2 {
		return fmt.Errorf("weights must be a constant matrix")
	}
	if x.Shape == nil {
		return nil
	}
	k, cols := weightShape(n)
	if len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] != k && x.Shape[len(x.Shape)-1] != tensor.Unknown {
		return fmt.Errorf("%s times %d×%d", x.Shape, k, cols)
	}
	y.Shape = append(x.Shape[:len(x.Shape)-1:len(x.Shape)-1].Clone(), cols)
	if r := n.In(3); r != nil && r.Static() && y.Static() && !r.Shape.Equal(y.Shape) {
		return fmt.Errorf("residual %s for output %s", r.Shape, y.Shape)
	}
	return nil
}

func costFusedMatMul(n *graph.Node) Cost {
	c := moved(n)
	k, cols := weightShape(n)
	c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = GEMM, n.In(0).Shape.Elements()/max(k, 1), cols, k, 1, 1
	c.FLOPs = 2 * float64(c.M) * float64(cols) * float64(k)
	return c
}

func prepareFusedMatMul(n *graph.Node, t *Target) (Kernel, error) {
	if d := n.In(0).DType; d != tensor.Float32 && d != tensor.BFloat16 || n.In(1).DType != tensor.Float32 {
		return Kernel{}, badType(d)
	}
	k, cols := weightShape(n)
	m := n.In(0).Shape.Elements() / max(k, 1)
	var bias []float32
	if b := n.In(2); b != nil {
		bias = constant[float32](b)
	}
	if m == 0 || k == 0 || cols == 0 {
		return Kernel{}, fmt.Errorf("a product of %d×%d by %d×%d", m, k, k, cols)
	}
	p, err := packMatrix(n, t, constant[float32](n.In(1)), k, cols, n.Int("transB", 0) != 0)
	if err != nil {
		return Kernel{}, err
	}
	e := gemm.Epilogue{Bias: bias, Clamp: clampOf(n)}
	if p.panels, err = fastestTiles(t, p.panels, m, e); err != nil {
		return Kernel{}, err
	}
	return p.kernel(m, e, n.In(3) != nil)
}

// packedMatrix is the constant operand of a product.
type packedMatrix struct {
	panels  *gemm.Panels
	k, cols int
}

// packMatrix packs a constant K×N operand in the format that the node's precision asks for.
func packMatrix(n *graph.Node, t *Target, w []float32, k, cols int, transposed bool) (*packedMatrix, error) {
	m := n.In(0).Shape.Elements() / k
	stride := cols
	if transposed {
		stride = k
	}
	panels, err := gemm.Pack(t.Weights(), gemm.Choose(t.Features, formatOf(n), m, cols, k), w, k, cols, stride, transposed)
	return &packedMatrix{panels, k, cols}, err
}

// kernel multiplies m rows, which are the call's first input, to its first output; the residual is the fourth input.
func (p *packedMatrix) kernel(m int, e gemm.Epilogue, residual bool) (Kernel, error) {
	trial, err := p.panels.Bind(m, 1, e)
	if err != nil {
		return Kernel{}, err
	}
	used := trial.Kernel()
	k := Kernel{Class: "gemm " + used.String(), Mixed: used.Format != gemm.FP32, Scratch: p.panels.Scratch(m), Packed: []int{1}}
	k.Bind = func(c *Call) func() error {
		call, err := p.panels.Bind(m, c.Team.Size(), e)
		if err != nil {
			panic("ops: a product that bound before: " + err.Error())
		}
		call.Lend(c.Scratch)
		return func() error {
			var r gemm.Matrix
			if residual {
				r = rowsOf(c.In[3].Tensor, p.cols)
			}
			call.Run(c.Team, rowsOf(c.In[0].Tensor, p.k), rowsOf(c.Out[0].Tensor, p.cols), r)
			return nil
		}
	}
	return k, nil
}
