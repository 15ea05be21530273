package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// wantedPart is the number of elements that a worker should find in a part of rows.
const wantedPart = 8 << 10

// byRows is a float32 kernel whose work is row by row of count elements, many rows to a part.
func byRows(class string, rows, count int, row func(c *Call, i int)) Kernel {
	each := max(wantedPart/max(count, 1), 1)
	bind := func(c *Call) func() error {
		part := func(_, p int) {
			for i := p * each; i < min((p+1)*each, rows); i++ {
				row(c, i)
			}
		}
		return func() error {
			inParts(c.Team, ceilDiv(rows, each), part)
			return nil
		}
	}
	return Kernel{Class: class, Bind: bind}
}

// rowAt is row i, of count elements, of a dense float32 tensor.
func rowAt(s *Slot, i, count int) []float32 { return tensor.Data[float32](s.Tensor)[i*count:][:count] }

// softmaxLines is how a softmax node cuts its input: lines of count elements that lie inner apart.
func softmaxLines(n *graph.Node) (lines, count, inner int, err error) {
	x := n.In(0).Shape
	axis, err := axisOf(n.Int("axis", -1), len(x))
	if err != nil {
		return 0, 0, 0, err
	}
	inner = span(x, axis+1, len(x))
	if count = x[axis]; count > 0 {
		lines = span(x, 0, axis) * inner
	}
	return lines, count, inner, nil
}

// fastSoftmax is Softmax on float32 rows or columns.
func fastSoftmax(n *graph.Node, t *Target) (Kernel, error) {
	f := normalize.For(t.Features)
	lines, count, inner, err := softmaxLines(n)
	if err != nil {
		return Kernel{}, err
	}
	if inner > 1 {
		return softmaxColumns(f, f.SoftmaxColumns, lines/inner, count, inner, max(t.Threads, 1)), nil
	}
	if count < shortRow && lines > 1 {
		return softmaxShort(f, f.SoftmaxColumns, move.For(t.Features), lines, count, max(t.Threads, 1)), nil
	}
	return byRows("softmax "+f.Variant, lines, count, func(c *Call, i int) {
		f.Softmax(rowAt(c.Out[0], i, count), rowAt(c.In[0], i, count), nil, 1)
	}), nil
}

// columnKernel is normalize's SoftmaxColumns or LogSoftmaxColumns.
type columnKernel = func(dst, x, scratch []float32, n, stride int)

// softmaxColumns is softmax down the columns of matrices of count×inner elements, some columns at a time.
func softmaxColumns(f *normalize.Funcs, columns columnKernel, matrices, count, inner, threads int) Kernel {
	width := min(inner, max(wantedPart/max(count, 1), 1))
	perMatrix, room := ceilDiv(inner, width), roundUp(normalize.ColumnScratch*width, 16)
	k := Kernel{Class: "softmax " + f.Variant, Scratch: 4 * room * threads}
	k.Bind = func(c *Call) func() error {
		part := func(worker, i int) {
			from := i % perMatrix * width
			at := i/perMatrix*count*inner + from
			scratch, _ := scratchFloats(c.Scratch[worker*4*room:], normalize.ColumnScratch*min(width, inner-from))
			columns(tensor.Data[float32](c.Out[0].Tensor)[at:], tensor.Data[float32](c.In[0].Tensor)[at:], scratch, count, inner)
		}
		return func() error {
			inParts(c.Team, matrices*perMatrix, part)
			return nil
		}
	}
	return k
}

// shortRow is the length from which on a row is worth a loop over vectors of its own.
const shortRow = 32

// softmaxShort is softmax of rows that are short: as columns, in scratch memory, some rows at a time.
func softmaxShort(f *normalize.Funcs, kernel columnKernel, m *move.Funcs, lines, count, threads int) Kernel {
	width := min(lines, max(wantedPart/max(count, 1), 1))
	room := roundUp(normalize.ColumnScratch*width, 16) + roundUp(count*width, 16)
	k := Kernel{Class: "softmax " + f.Variant, Scratch: 4 * room * threads}
	k.Bind = func(c *Call) func() error {
		part := func(worker, i int) {
			rows := min(width, lines-i*width)
			scratch, rest := scratchFloats(c.Scratch[worker*4*room:], normalize.ColumnScratch*rows)
			columns, _ := scratchFloats(rest, count*rows)
			x, y := tensor.Data[float32](c.In[0].Tensor)[i*width*count:], tensor.Data[float32](c.Out[0].Tensor)[i*width*count:]
			move.Transpose(m, columns, x, rows, count, rows, count)
			kernel(columns, columns, scratch, count, rows)
			move.Transpose(m, y, columns, count, rows, count, rows)
		}
		return func() error {
			inParts(c.Team, ceilDiv(lines, width), part)
			return nil
		}
	}
	return k
}

// fastLogSoftmax is LogSoftmax on float32 rows or columns.
func fastLogSoftmax(n *graph.Node, t *Target) (Kernel, error) {
	f := normalize.For(t.Features)
	lines, count, inner, err := softmaxLines(n)
	if err != nil {
		return Kernel{}, err
	}
	if inner > 1 {
		return softmaxColumns(f, f.LogSoftmaxColumns, lines/inner, count, inner, max(t.Threads, 1)), nil
	}
	if count < shortRow && lines > 1 {
		return softmaxShort(f, f.LogSoftmaxColumns, move.For(t.Features), lines, count, max(t.Threads, 1)), nil
	}
	return byRows("softmax "+f.Variant, lines, count, func(c *Call, i int) {
		f.LogSoftmax(rowAt(c.Out[0], i, count), rowAt(c.In[0], i, count))
	}), nil
}

// fusedSoftmax is eiplan/Softmax: softmax over the last axis of X·scale + mask. The mask broadcasts to X, with rows as long as X's; it may be absent.
func fusedSoftmax() Op {
	return Op{Infer: inferFusedSoftmax, Cost: costNormalize, Prepare: prepareFusedSoftmax}
}

func inferFusedSoftmax(n *graph.Node) error {
	if err := arity(n, 1, 2); err != nil {
		return err
	}
	x := n.In(0)
	yields(n, 0, x.DType, x.Shape)
	if m := n.In(1); m != nil && m.Static() && x.Static() {
		if joined, ok := broadcastDims(x.Shape, m.Shape); !ok || !joined.Equal(x.Shape) || m.Shape[len(m.Shape)-1] != x.Shape[len(x.Shape)-1] {
			return fmt.Errorf("mask %s for %s", m.Shape, x.Shape)
		}
	}
	return nil
}

func prepareFusedSoftmax(n *graph.Node, t *Target) (Kernel, error) {
	x := n.In(0).Shape
	if n.In(0).DType != tensor.Float32 {
		return Kernel{}, badType(n.In(0).DType)
	}
	f := normalize.For(t.Features)
	count := x[len(x)-1]
	scale := n.Float("scale", 1)
	var places []int
	if m := n.In(1); m != nil {
		p := product{batch: x[:len(x)-1]}
		places = p.offsets(m.Shape[:len(m.Shape)-1])
	}
	return byRows("softmax "+f.Variant, x.Elements()/max(count, 1), count, func(c *Call, i int) {
		var mask []float32
		if places != nil {
			mask = rowAt(c.In[1], places[i], count)
		}
		f.Softmax(rowAt(c.Out[0], i, count), rowAt(c.In[0], i, count), mask, scale)
	}), nil
}

// simpleRows reports whether a normalisation's parameters are whole rows and nobody wants its statistics.
func simpleRows(n *graph.Node, count int) bool {
	return count > 0 && parameterPlaces(n, 1, count) == nil && parameterPlaces(n, 2, count) == nil && !wants(n, 1) && !wants(n, 2)
}

// fastLayerNormalization is LayerNormalization on float32 rows.
func fastLayerNormalization(n *graph.Node, t *Target) (Kernel, error) {
	rows, count, err := layerRows(n)
	if err != nil {
		return Kernel{}, err
	}
	if !simpleRows(n, count) {
		return plainLayerNormalization[float32](n, t)
	}
	f := normalize.For(t.Features)
	epsilon := n.Float("epsilon", 1e-5)
	shifted := n.In(2) != nil
	return byRows("normalize "+f.Variant, rows, count, func(c *Call, i int) {
		var shift []float32
		if shifted {
			shift = rowAt(c.In[2], 0, count)
		}
		f.LayerNorm(rowAt(c.Out[0], i, count), rowAt(c.In[0], i, count), rowAt(c.In[1], 0, count), shift, epsilon)
	}), nil
}

// CanStoreRows reports whether a LayerNormalization can read and write rows of bfloat16.
func CanStoreRows(n *graph.Node) bool {
	_, count, err := layerRows(n)
	parameters := n.In(1).DType == tensor.Float32 && (n.In(2) == nil || n.In(2).DType == tensor.Float32)
	return err == nil && parameters && n.In(0).Static() && n.In(1).Static() && (n.In(2) == nil || n.In(2).Static()) && simpleRows(n, count)
}

// prepareLayerNormalization is fastLayerNormalization where X or Y is stored in bfloat16; its sums are of float32.
func prepareLayerNormalization(n *graph.Node, t *Target) (Kernel, error) {
	wide, short := n.In(0).DType == tensor.Float32, n.Outputs[0].DType == tensor.BFloat16
	if wide && !short || n.In(0).DType != tensor.BFloat16 && !wide || !CanStoreRows(n) {
		return halved(byFloat(fastLayerNormalization, plainLayerNormalization[float64]))(n, t)
	}
	rows, count, err := layerRows(n)
	if err != nil {
		return Kernel{}, err
	}
	f, v := normalize.For(t.Features), vector.For(t.Features)
	epsilon, shifted := n.Float("epsilon", 1e-5), n.In(2) != nil
	each := max(wantedPart/count, 1)
	room := roundUp(4*count, 64)
	k := Kernel{Class: "normalize " + f.Variant, Scratch: t.Threads * room}
	k.Bind = func(c *Call) func() error {
		part := func(worker, p int) {
			own, _ := scratchFloats(c.Scratch[worker*room:], count)
			scale, shift := rowAt(c.In[1], 0, count), []float32(nil)
			if shifted {
				shift = rowAt(c.In[2], 0, count)
			}
			for i := p * each; i < min((p+1)*each, rows); i++ {
				x := own
				if wide {
					x = rowAt(c.In[0], i, count)
				} else {
					v.FromBF16(x, tensor.Data[uint16](c.In[0].Tensor)[i*count:][:count])
				}
				if short {
					f.LayerNormBF16(tensor.Data[uint16](c.Out[0].Tensor)[i*count:][:count], x, scale, shift, epsilon)
				} else {
					f.LayerNorm(rowAt(c.Out[0], i, count), x, scale, shift, epsilon)
				}
			}
		}
		return func() error {
			inParts(c.Team, ceilDiv(rows, each), part)
			return nil
		}
	}
	return k, nil
}

// fastRMSNormalization is RMSNormalization on float32 rows.
func fastRMSNormalization(n *graph.Node, t *Target) (Kernel, error) {
	rows, count, err := layerRows(n)
	if err != nil {
		return Kernel{}, err
	}
	if !simpleRows(n, count) {
		return plainRMSNormalization[float32](n, t)
	}
	f := normalize.For(t.Features)
	epsilon := n.Float("epsilon", 1e-5)
	return byRows("normalize "+f.Variant, rows, count, func(c *Call, i int) {
		f.RMSNorm(rowAt(c.Out[0], i, count), rowAt(c.In[0], i, count), rowAt(c.In[1], 0, count), epsilon)
	}), nil
}

// fastLpNormalization is LpNormalization of float32 by the 2-norm; where squares overflow or vanish, the plain loop makes the line.
func fastLpNormalization(n *graph.Node, t *Target) (Kernel, error) {
	p, err := normOf(n)
	if err != nil || p != 2 {
		return plainLpNormalization[float32](n, t)
	}
	f := vector.For(t.Features)
	squares, divide := f.Reduce[vector.SumSquares], f.Scalar[vector.DivScalar]
	return alongAxis(n, -1, "normalize "+f.Variant, func(dst, src []float32) {
		sum := squares(src)
		if !(sum >= 1e-30 && sum <= math.MaxFloat32) {
			divideByNorm(dst, src, 2)
			return
		}
		divide(dst, src, float32(math.Sqrt(float64(sum))))
	})
}
