package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	attn "github.com/eiplan/eiplan/engine/kernels/attention"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/models/tensor"
)

// streams reports whether an attention runs without storing scores: nobody wants or caps them, and the mask is added to them, if there is one.
func (p *attending[T]) streams(n *graph.Node) bool {
	a := &p.attention
	if !is[T, float32]() || p.softcap != 0 || wants(n, attendScores) || n.In(attendLengths) != nil {
		return false
	}
	if m := n.In(attendMask); m != nil && (m.DType != tensor.Float32 || p.maskStep != 1) {
		return false
	}
	return a.batch*a.heads > 0 && a.queries > 0 && a.keys() > 0 && a.size > 0 && a.valueSize > 0
}

// streamed is kernel by the kernels that go through the keys in blocks.
func (p *attending[T]) streamed(n *graph.Node, t *Target) (Kernel, error) {
	a := &p.attention
	group := a.heads / a.kvHeads
	q := headsOf(a.batch, a.heads, 1, a.queries, a.size, a.qStride, a.packed)
	y := headsOf(a.batch, a.heads, 1, a.queries, a.valueSize, a.valueSize, false)
	if a.packed {
		y = headsOf(a.batch, a.heads, 1, a.queries, a.valueSize, a.heads*a.valueSize, true)
	}
	k := p.joined(n, group, attendPresentKey, a.size, a.kStride)
	v := p.joined(n, group, attendPresentValue, a.valueSize, a.vStride)
	h := attn.Heads{
		Queries: a.queries, Keys: a.keys(), Size: a.size, ValueSize: a.valueSize, Q: q.first, K: k.first, V: v.first, Y: y.first,
		Scale: float32(a.scale), Causal: a.causal, Past: a.past, Zeros: true,
	}
	if m := n.In(attendMask); m != nil {
		h.Keys = min(h.Keys, p.maskWidth) // those after it are hidden
		s := append(tensor.Shape{1, 1, 1, 1}[:max(4-len(m.Shape), 0):4], m.Shape...)
		steps := stretchedStrides(s)
		h.Mask, h.MaskRow = operand{tensor.Shape{a.batch, a.heads}, steps}.places(a.heads, 0), steps[2]
	}
	streamed, err := attendKernel(h, t, nil, attendMask)
	if err != nil {
		return Kernel{}, err
	}
	streamed.Scratch = 4 * (roundUp(k.room, 16) + roundUp(v.room, 16))
	streamed.Bind = func(c *Call) func() error {
		keys, rest := scratchFloats(c.Scratch, k.room)
		values, _ := scratchFloats(rest, v.room)
		return bindHeads(h, t, c, attendMask, func() [4]gemm.Matrix {
			return [4]gemm.Matrix{
				{F32: tensor.Data[float32](c.In[attendQuery].Tensor), Stride: q.stride},
				{F32: present(c, attendKey, attendPastKey, attendPresentKey, k.join, keys, a, a.size), Stride: k.stride},
				{F32: present(c, attendValue, attendPastValue, attendPresentValue, v.join, values, a, a.valueSize), Stride: v.stride},
				{F32: tensor.Data[float32](c.Out[0].Tensor), Stride: y.stride},
			}
		})
	}
	return streamed, nil
}

// joinedHeads is where the keys or values of all positions lie.
type joinedHeads struct {
	matrices
	join bool // earlier ones come first, or an output wants them
	room int  // scratch elements for joining them
}

// joined lays out keys or values, of which an output may want all.
func (p *attending[T]) joined(n *graph.Node, group, output, size, stride int) joinedHeads {
	a := &p.attention
	if a.past == 0 && n.In(attendPastKey) == nil && !wants(n, output) {
		return joinedHeads{headsOf(a.batch, a.heads, group, a.new, size, stride, a.packed), false, 0}
	}
	j := joinedHeads{headsOf(a.batch, a.heads, group, a.keys(), size, size, false), true, 0}
	if !wants(n, output) {
		j.room = a.batch * a.kvHeads * a.keys() * size
	}
	return j
}
