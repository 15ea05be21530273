package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// shortDot is the length below which a dot product is mostly the call.
const shortDot = 16

// asMatrices is an ONNX MatMul of which a vector operand is written as the matrix that it stands for.
func asMatrices(n *graph.Node) (*graph.Node, error) {
	a, b := n.In(0).Shape, n.In(1).Shape
	if len(a) > 1 && len(b) > 1 {
		return n, nil
	}
	p, err := productOf(a, b)
	if err != nil {
		return nil, err
	}
	of := func(v *graph.Value, dims tensor.Shape, rows, cols int) *graph.Value {
		w := *v
		w.Shape = append(dims.Clone(), rows, cols)
		return &w
	}
	m := *n
	m.Inputs = []*graph.Value{of(n.In(0), p.a, p.m, p.k), of(n.In(1), p.b, p.k, p.n)}
	m.Outputs = []*graph.Value{of(n.Outputs[0], p.batch, p.m, p.n)}
	return &m, nil
}

// vectorProducts are the products of which one operand is a vector: they read the other as it lies, since packing it would cost more than they do. A nil
// binder says that the operands lie otherwise.
func vectorProducts(p product, a, b, y operand, t *Target) binder {
	v := vectorProduct{f: vector.For(t.Features), k: p.k, to: y.offsets(p.batch)}
	lda, _ := a.rows()
	ldc, _ := y.rows()
	across, straight := b.rows()
	down, columns := b.columns()
	left, right := a.offsets(p.batch), b.offsets(p.batch)
	switch {
	case p.m == 1 && columns && p.k >= shortDot:
		v.x, v.results, v.resultStep, v.matrices, v.rowStep = 0, p.n, 1, right, down
		v.vectors = left
		return v.dots
	case p.n == 1 && columns && p.k >= shortDot:
		v.x, v.results, v.resultStep, v.matrices, v.rowStep = 1, p.m, ldc, left, lda
		v.vectors = right
		return v.dots
	case p.m == 1 && straight && (across == p.n || p.k == 1) && p.n%vector.MatVecLanes == 0 && len(v.to) >= t.Threads:
		v.results, v.matrices, v.vectors = p.n, right, left
		return v.sums
	}
	return nil
}

// vectorProduct is many products of a vector of k elements and a matrix, which lie in one buffer each.
type vectorProduct struct {
	f                     *vector.Funcs
	k, results            int
	x                     int // the input that holds the vectors; the other one holds the matrices
	vectors, matrices, to []int
	rowStep, resultStep   int
}

// dots are products of matrices of a row for each result.
func (v vectorProduct) dots(c *Call) func() error {
	work := inPieces(c.Team, len(v.to)*v.results, v.k, func(first, last int) {
		vectors, matrices, y := tensor.Data[float32](c.In[v.x].Tensor), tensor.Data[float32](c.In[1-v.x].Tensor), tensor.Data[float32](c.Out[0].Tensor)
		for at := first; at < last; at++ {
			i, j := at/v.results, at%v.results
			y[v.to[i]+j*v.resultStep] = v.f.Dot(vectors[v.vectors[i]:][:v.k], matrices[v.matrices[i]+j*v.rowStep:][:v.k])
		}
	})
	return func() error { work.run(c.Team); return nil }
}

// sums are products of dense matrices of a column for each result.
func (v vectorProduct) sums(c *Call) func() error {
	work := inPieces(c.Team, len(v.to), v.k*v.results, func(first, last int) {
		vectors, matrices, y := tensor.Data[float32](c.In[0].Tensor), tensor.Data[float32](c.In[1].Tensor), tensor.Data[float32](c.Out[0].Tensor)
		for i := first; i < last; i++ {
			row := y[v.to[i]:][:v.results]
			clear(row)
			v.f.MatVec(row, vectors[v.vectors[i]:][:v.k], matrices[v.matrices[i]:][:v.k*v.results])
		}
	})
	return func() error { work.run(c.Team); return nil }
}
