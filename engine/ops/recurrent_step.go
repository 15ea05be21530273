package ops

import (
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// stepWeights is a constant matrix by which each step of a recurrence multiplies the states of a batch.
type stepWeights struct {
	columns int          // results for each sequence
	panels  *gemm.Panels // of larger batches
	rows    []float32    // of small ones: a row of columns, rounded up to whole vectors, for each element of the state
}

// smallBatch is the number of sequences up to which a step multiplies one vector after the other.
const smallBatch = 2

// newStepWeights packs a matrix of a row of hidden elements for each result.
func newStepWeights(t *Target, w []float32, batch, hidden int) (*stepWeights, error) {
	s := &stepWeights{columns: len(w) / hidden}
	if batch > smallBatch {
		var err error
		s.panels, err = gemm.Pack(t.Weights(), gemm.ChooseWhole(t.Features, gemm.FP32, batch, s.columns, hidden), w, hidden, s.columns, hidden, true)
		return s, err
	}
	stride := roundUp(s.columns, vector.MatVecLanes)
	s.rows = make([]float32, stride*hidden)
	for j := range s.columns {
		for k := range hidden {
			s.rows[k*stride+j] = w[j*hidden+k]
		}
	}
	return s, nil
}

// bind fixes a session's product for batch sequences, to which bias is added where it is not nil.
func (s *stepWeights) bind(v *vector.Funcs, batch int, bias []float32) *stepProduct {
	p := &stepProduct{stepWeights: s, batch: batch, bias: bias, matVec: v.MatVec}
	if s.panels != nil {
		p.call = bindStep(s.panels, batch, 1, bias)
	}
	return p
}

func bindStep(panels *gemm.Panels, m, workers int, bias []float32) *gemm.Call {
	call, err := panels.Bind(m, workers, gemm.Epilogue{Bias: bias, Clamp: gemm.Unbounded()})
	if err != nil {
		panic("ops: a recurrent product: " + err.Error())
	}
	return call
}

// stepProduct is stepWeights bound to a session.
type stepProduct struct {
	*stepWeights
	batch  int
	bias   []float32
	call   *gemm.Call
	matVec func(dst, x, w []float32)
}

// run computes dst = x·W + bias for rows of the given strides. It may write up to a vector behind each row of dst.
func (p *stepProduct) run(dst []float32, dstStride int, x []float32, xStride int) {
	if p.call != nil {
		p.call.Run(nil, gemm.Matrix{F32: x, Stride: xStride}, gemm.Matrix{F32: dst, Stride: dstStride}, gemm.Matrix{})
		return
	}
	for b := range p.batch {
		row := dst[b*dstStride:][:roundUp(p.columns, vector.MatVecLanes)]
		clear(row[copy(row, p.bias):])
		p.matVec(row, x[b*xStride:][:xStride], p.rows)
	}
}
