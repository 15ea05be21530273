package attention

import (
	"math"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// worker is what one thread needs.
type worker struct {
	scores, values *gemm.Local
	block          int         // queries of a block
	s              gemm.Matrix // scores of a block
	p              gemm.Matrix // their exponents: over s in binary32
	sums           gemm.Matrix // of weighted values, a row for each query of a group
	top, sum       []float32   // of each query of a group: the largest score so far, the sum of exponents
	before, part   []float32   // of each query of a block
	call           normalize.Block
}

// laneMultiple is what rows of exponents are rounded up to: tiles read whole pairs
// of vectors.
const laneMultiple = 32

func (c *Call) newWorker(features cpu.Features) worker {
	keys := min(c.Keys, keyBlock)
	width := (keys + laneMultiple - 1) &^ (laneMultiple - 1)
	group := (c.Queries + c.groups - 1) / c.groups
	if c.Queries <= fewQueries && c.Format == gemm.FP32 {
		keys, width = 1, (c.Keys+laneMultiple-1)&^(laneMultiple-1) // nothing is packed, and there are no blocks
	}
	blocks := (group + queryBlock - 1) / queryBlock
	w := worker{
		scores: gemm.NewLocal(features, c.Format, keys, c.Size, false),
		values: gemm.NewLocal(features, c.Format, c.ValueSize, keys, true),
		block:  (group + blocks - 1) / blocks,
	}
	w.s = gemm.Matrix{F32: make([]float32, w.block*width), Stride: width}
	w.p = w.s
	if c.Format == gemm.BF16 {
		w.p = gemm.Matrix{BF16: make([]uint16, w.block*width), Stride: width}
	}
	w.sums = gemm.Matrix{F32: make([]float32, group*c.ValueSize), Stride: c.ValueSize}
	w.top, w.sum = make([]float32, group), make([]float32, group)
	w.before, w.part = make([]float32, w.block), make([]float32, w.block)
	return w
}

// begin starts a group of queries.
func (w *worker) begin(count int) {
	w.limits(count)
	clear(w.sums.F32[:count*w.sums.Stride])
}

// limits starts the softmax of count queries.
func (w *worker) limits(count int) {
	for i := range count {
		w.top[i], w.sum[i] = float32(math.Inf(-1)), 0
	}
}

// attend adds to the sums of count queries, from row r of the group that starts at
// query first, the n keys from at on.
func (c *Call) attend(w *worker, head, first, r, count, at, n int, q gemm.Matrix) {
	w.scores.Multiply(count, rows(q, 0, r), w.s, false)
	copy(w.before, w.top[r:r+count])
	b := w.exponents(c, head, first+r, r, count, at, n)
	if at > 0 {
		b.Sum = &w.part[0]
	}
	c.f.Exponentiate(b, c.Format == gemm.BF16)
	if at > 0 {
		w.rescale(c, r, count)
	}
	w.values.Multiply(count, w.p, rows(w.sums, 0, r), at > 0)
}

// exponents describes the softmax of the scores of count queries, which are rows r
// and on of the group, over the n keys from at on.
func (w *worker) exponents(c *Call, head, query, r, count, at, n int) *normalize.Block {
	const lanes = 16
	b := &w.call
	*b = normalize.Block{
		X: unsafe.Pointer(&w.s.F32[0]), StrideX: 4 * w.s.Stride,
		P: unsafe.Pointer(&w.s.F32[0]), StrideP: 4 * w.s.Stride,
		Max: &w.top[r], Sum: &w.sum[r], Rows: count,
		Seen: n, Most: n, Width: (n + lanes - 1) &^ (lanes - 1), Scale: c.Scale,
	}
	if w.p.BF16 != nil {
		b.P, b.StrideP, b.Width = unsafe.Pointer(&w.p.BF16[0]), 2*w.p.Stride, (n+laneMultiple-1)&^(laneMultiple-1)
	}
	if c.Causal {
		b.Seen, b.Step = c.Past+query+1-at, 1
	}
	if c.mask != nil {
		from := c.mask[c.Mask[head]+query*c.MaskRow+at:]
		b.Mask, b.StrideM = unsafe.Pointer(&from[(count-1)*c.MaskRow+n-1:][0]), 4*c.MaskRow // the last must be there
		b.Mask = unsafe.Pointer(&from[0])
	}
	return b
}

// rescale lets the sums of count queries so far go by their new largest scores.
func (w *worker) rescale(c *Call, r, count int) {
	before, top := w.before[:count], w.top[r:r+count]
	for i, m := range before {
		if before[i] = m - top[i]; math.IsInf(float64(top[i]), -1) {
			before[i] = 0
		}
	}
	c.v.Unary[vector.Exp](before, before)
	for i, factor := range before {
		w.sum[r+i] = w.sum[r+i]*factor + w.part[i]
		row := rows(w.sums, 0, r+i).F32[:w.sums.Stride]
		c.v.Scalar[vector.MulScalar](row, row, factor)
	}
}

// invert turns sums of exponents into what their queries' values are multiplied by.
func (w *worker) invert(count int, zeros bool) {
	for i, s := range w.sum[:count] {
		if s == 0 && zeros {
			continue
		}
		w.sum[i] = 1 / s
	}
}

// finish writes a group's Y.
func (c *Call) finish(w *worker, count int, y gemm.Matrix) {
	w.invert(count, c.Zeros)
	b := &w.call
	*b = normalize.Block{X: unsafe.Pointer(&w.sums.F32[0]), StrideX: 4 * w.sums.Stride, Sum: &w.sum[0], Rows: count, Most: c.ValueSize}
	last := (count-1)*y.Stride + c.ValueSize - 1
	if y.BF16 != nil {
		_ = y.BF16[last]
		b.P, b.StrideP = unsafe.Pointer(&y.BF16[0]), 2*y.Stride
	} else {
		_ = y.F32[last]
		b.P, b.StrideP = unsafe.Pointer(&y.F32[0]), 4*y.Stride
	}
	c.f.ScaleRows(b, y.BF16 != nil)
}
