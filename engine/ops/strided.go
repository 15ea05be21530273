package ops

import (
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// piece is one strided copy from a tensor to another: what transpose, slice, concat, split, expand, tile and their like consist of.
type piece struct {
	in, out  int // the node's input and output
	to, from move.View
	shape    []int
}

// copying makes the kernel that does pieces, one after the other; each is cut for the team along its first axis where it is large.
func copying(t *Target, list []piece) Kernel {
	return Kernel{Class: "copy", Bind: func(c *Call) func() error { return copyPieces(c, t, list) }}
}

// copyPieces makes the work of pieces, all of which move elements of one type.
func copyPieces(c *Call, t *Target, list []piece) func() error {
	f := move.For(t.Features)
	var parts []*pieces
	for _, p := range list {
		p = p.compact()
		rows, each := 1, tensor.Shape(p.shape).Elements()
		if each == 0 {
			continue
		}
		if len(p.shape) > 0 {
			rows = p.shape[0]
			each /= rows
		}
		in, out := c.In[p.in], c.Out[p.out]
		parts = append(parts, inPieces(c.Team, rows, each, func(first, end int) {
			p.copy(f, &out.Tensor, &in.Tensor, first, end)
		}))
	}
	return func() error {
		for _, p := range parts {
			p.run(c.Team)
		}
		return nil
	}
}

// compact drops axes of one element and merges neighbours that both sides walk as one.
func (p piece) compact() piece {
	out := piece{in: p.in, out: p.out, to: move.View{Origin: p.to.Origin}, from: move.View{Origin: p.from.Origin}}
	for i, d := range p.shape {
		if d == 1 {
			continue
		}
		to, from := p.to.Stride[i], p.from.Stride[i]
		if last := len(out.shape) - 1; last >= 0 && out.to.Stride[last] == d*to && out.from.Stride[last] == d*from {
			out.shape[last] *= d
			out.to.Stride[last], out.from.Stride[last] = to, from
			continue
		}
		out.shape = append(out.shape, d)
		out.to.Stride = append(out.to.Stride, to)
		out.from.Stride = append(out.from.Stride, from)
	}
	return out
}

// copy does the steps [first, end) of the outermost axis.
func (p *piece) copy(f *move.Funcs, out, in *tensor.Tensor, first, end int) {
	to, from, shape := p.to, p.from, p.shape
	var cut [move.MaxRank]int
	if len(shape) > 0 && (first > 0 || end < shape[0]) {
		to.Origin += first * to.Stride[0]
		from.Origin += first * from.Stride[0]
		shape = append(append(cut[:0], end-first), shape[1:]...)
	}
	switch bits := in.DType.Bits(); {
	case bits == 8:
		copyWords(f, elements[uint8](out), to, elements[uint8](in), from, shape)
	case bits == 16:
		copyWords(f, elements[uint16](out), to, elements[uint16](in), from, shape)
	case bits == 32:
		copyWords(f, elements[uint32](out), to, elements[uint32](in), from, shape)
	case bits == 64:
		copyWords(f, elements[uint64](out), to, elements[uint64](in), from, shape)
	case in.DType == tensor.String:
		copyEach(out.Strings, to, in.Strings, from, shape)
	case bits == 128:
		copyEach(elements[complex128](out), to, elements[complex128](in), from, shape)
	}
}

// copyWords is move.Copy for any rank.
func copyWords[T move.Element](f *move.Funcs, dst []T, to move.View, src []T, from move.View, shape []int) {
	if len(shape) > move.MaxRank {
		copyEach(dst, to, src, from, shape)
		return
	}
	move.Copy(f, dst, to, src, from, shape)
}

// copyEach is move.Copy for any element and rank.
func copyEach[T any](dst []T, to move.View, src []T, from move.View, shape []int) {
	if len(shape) == 0 {
		dst[to.Origin] = src[from.Origin]
		return
	}
	for range shape[0] {
		copyEach(dst, move.View{Origin: to.Origin, Stride: to.Stride[1:]}, src, move.View{Origin: from.Origin, Stride: from.Stride[1:]}, shape[1:])
		to.Origin += to.Stride[0]
		from.Origin += from.Stride[0]
	}
}
