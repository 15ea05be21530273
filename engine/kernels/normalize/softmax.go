package normalize

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// Softmax does dst[i] = exp(t[i]-max t) / Σ exp(t[j]-max t) with
// t[i] = x[i]·scale + mask[i]. A nil mask is zero. A row in which every t is
// -Inf has no softmax: it becomes NaN, as in ONNX Runtime. The error is at
// most (n/8+16+|t[i]-max t|)·2⁻²⁴ of each element, for t as float32 rounds it.
func (f *Funcs) Softmax(dst, x, mask []float32, scale float32) {
	checkRow(len(dst), len(x))
	if mask != nil {
		checkRow(len(dst), len(mask))
	}
	if len(dst) == 0 {
		return
	}
	sum := f.rows.expScaled(dst, x, mask, scale, f.rows.maxScaled(x, mask, scale))
	f.v.Scalar[vector.MulScalar](dst, dst, 1/sum)
}

// LogSoftmax does dst[i] = x[i] - max x - ln Σ exp(x[j]-max x). The error is
// at most 2⁻²³ of |x[i] - max x| plus (n/8+16)·2⁻²⁴ and 2⁻²³ of the logarithm.
func (f *Funcs) LogSoftmax(dst, x []float32) {
	checkRow(len(dst), len(x))
	if len(dst) == 0 {
		return
	}
	shift := f.v.Reduce[vector.Maximum](x)
	sum := f.rows.expSum(x, shift)
	f.v.Scalar[vector.SubScalar](dst, x, shift)
	f.v.Scalar[vector.SubScalar](dst, dst, float32(math.Log(float64(sum))))
}

// SoftmaxColumns is Softmax, without scale and mask, down the columns of a
// matrix of n rows that begin stride apart: n elements x[j], x[stride+j], … for
// each column j. The result lies likewise in dst, which may be x. Scratch, of
// ColumnScratch elements for each column, says how many columns there are. It is
// for an axis that is not the last one.
func (f *Funcs) SoftmaxColumns(dst, x, scratch []float32, n, stride int) {
	width := len(scratch) / ColumnScratch
	shift, part, sum := f.largestColumns(x, scratch, n, stride)
	for i := range n {
		y := dst[i*stride:][:width]
		f.v.Binary[vector.Sub](y, x[i*stride:][:width], shift)
		f.v.Unary[vector.Exp](y, y)
		f.addRow(sum, part, y, i, n)
	}
	for i := range n {
		y := dst[i*stride:][:width]
		f.v.Binary[vector.Div](y, y, sum)
	}
}

// LogSoftmaxColumns is to LogSoftmax what SoftmaxColumns is to Softmax.
func (f *Funcs) LogSoftmaxColumns(dst, x, scratch []float32, n, stride int) {
	width := len(scratch) / ColumnScratch
	shift, part, sum := f.largestColumns(x, scratch, n, stride)
	own := scratch[3*width:][:width]
	for i := range n {
		y := dst[i*stride:][:width]
		f.v.Binary[vector.Sub](y, x[i*stride:][:width], shift)
		f.v.Unary[vector.Exp](own, y)
		f.addRow(sum, part, own, i, n)
	}
	f.v.Unary[vector.Log](sum, sum)
	for i := range n {
		y := dst[i*stride:][:width]
		f.v.Binary[vector.Sub](y, y, sum)
	}
}

// largestColumns cuts the scratch memory of columns and finds the largest
// element of each.
func (f *Funcs) largestColumns(x, scratch []float32, n, stride int) (shift, part, sum []float32) {
	width := len(scratch) / ColumnScratch
	shift, part, sum = scratch[:width], scratch[width:2*width], scratch[2*width:3*width]
	copy(shift, x[:width])
	for i := 1; i < n; i++ {
		f.v.Binary[vector.Max](shift, shift, x[i*stride:][:width])
	}
	clear(sum)
	clear(part)
	return shift, part, sum
}

// addRow adds row i of n to a sum, by way of a part of it.
func (f *Funcs) addRow(sum, part, y []float32, i, n int) {
	f.v.Binary[vector.Add](part, part, y)
	if i%columnBlock == columnBlock-1 || i == n-1 {
		f.v.Binary[vector.Add](sum, sum, part)
		clear(part)
	}
}

// ColumnScratch is how many elements SoftmaxColumns and LogSoftmaxColumns work in
// for each column.
const ColumnScratch = 4

// columnBlock is how many rows are summed on their own before they join a longer
// sum, whose rounding error is that much smaller.
const columnBlock = 8

// ExpSum returns Σ exp(x[i] - shift), with the error of a Softmax's sum.
func (f *Funcs) ExpSum(x []float32, shift float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return f.rows.expSum(x, shift)
}
