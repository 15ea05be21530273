package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// exactProduct is MatMulInteger or QLinearMatMul of factors that a run tells, or of many matrices: by float32 products, whose sums are exact as long as
// they stay below 2^24. More summands than that allows are summed in parts.
type exactProduct struct {
	factors
	at      layout
	shape   product
	plain   *graph.Node // of one part
	parts   int
	part    int // summands of a part
	kernel  Kernel
	convert *vector.Funcs
}

// exactBelow is what whole numbers of float32 are exact up to.
const exactBelow = 1 << 24

// onFloats plans a product, or returns nil where it does not fit.
func (f factors) onFloats(n *graph.Node, inner Op, t *Target) *exactProduct {
	a, b, y := n.Inputs[f.a].Shape, n.Inputs[f.b].Shape, n.Outputs[0].Shape
	if f.isConv(n) || len(a) < 2 || len(b) < 2 || !a.Static() || !b.Static() || a.Elements() == 0 || b.Elements() == 0 || a[len(a)-1] > quant.MostProducts {
		return nil
	}
	p := &exactProduct{factors: f, plain: f.plain(n), convert: vector.For(t.Features)}
	var err error
	if p.shape, err = productOf(a, b); err != nil {
		return nil
	}
	p.plain.Outputs[0].Shape = y
	if p.at, err = f.layout(n, p.plain); err != nil || p.at.a.d != 1 || p.at.b.d != 1 {
		return nil
	}
	k := p.shape.k
	p.parts = ceilDiv(k, exactBelow/(farthest(n.Inputs[f.a], n.In(f.aZero))*farthest(n.Inputs[f.b], n.In(f.bZero))))
	p.part = ceilDiv(k, p.parts)
	left, right := p.plain.Inputs[0], p.plain.Inputs[1]
	left.Shape, right.Shape = a.Clone(), b.Clone()
	left.Shape[len(a)-1], right.Shape[len(b)-2] = p.part, p.part
	left.DType, right.DType = tensor.Float32, tensor.Float32
	if inner.Infer(p.plain) != nil {
		return nil
	}
	if p.kernel, err = inner.Prepare(p.plain, t); err != nil {
		return nil
	}
	return p
}

// farthest is how far a byte of v may be from its zero point.
func farthest(v, zero *graph.Value) int {
	low, high, _ := rangeOfType(v.DType)
	switch {
	case zero == nil:
		return int(max(-low, high))
	case zero.Known():
		z := realAt(zero.Const, 0)
		return int(max(z-low, high-z))
	}
	return int(high - low)
}

func (p *exactProduct) prepare() Kernel {
	k := p.kernel
	k.Class = "integers, " + k.Class
	k.Packed = nil
	bind := k.Bind
	k.Bind = func(c *Call) func() error {
		inner := &Call{Scratch: c.Scratch, Team: c.Team, Out: []*Slot{{Tensor: tensor.New(tensor.Float32, p.plain.Outputs[0].Shape)}}}
		for _, v := range p.plain.Inputs {
			inner.In = append(inner.In, &Slot{Tensor: tensor.New(tensor.Float32, v.Shape)})
		}
		left, right := tensor.Data[float32](inner.In[0].Tensor), tensor.Data[float32](inner.In[1].Tensor)
		from := tensor.Data[float32](inner.Out[0].Tensor)
		var sums []int32 // of parts
		if p.yScale >= 0 && p.parts > 1 {
			sums = make([]int32, len(from))
		}
		factor := make([]float32, p.shape.n)
		work := bind(inner)
		return func() error {
			if p.yScale < 0 {
				sums = tensor.Data[int32](c.Out[0].Tensor)
			}
			clear(sums)
			for i := range p.parts {
				p.stage(left, c, p.a, p.aZero, i, p.shape.k, 1)
				p.stage(right, c, p.b, p.bZero, i, p.shape.k, p.shape.n)
				if err := work(); err != nil {
					return err
				}
				for j := range sums {
					sums[j] += int32(from[j])
				}
			}
			if p.yScale < 0 {
				return nil
			}
			if p.parts > 1 {
				p.convert.FromInt32(from, sums)
			}
			p.requantize(c, from, factor)
			return nil
		}
	}
	return k
}

// requantize makes bytes of sums, row by row, or one by one where the scales are for rows or not float32's. factor is memory for a scale of each column.
func (p *exactProduct) requantize(c *Call, sums, factor []float32) {
	step := realAt(&c.In[p.aScale].Tensor, 0) / realAt(&c.In[p.yScale].Tensor, 0)
	scales := &c.In[p.bScale].Tensor
	sensible := p.at.rows.d == 1 && (p.at.columns.d == 1 || p.at.columns.d == len(factor) && p.at.columns.inner == 1)
	for i := range factor {
		factor[i] = float32(step * realAt(scales, p.at.columns.of(i)))
		sensible = sensible && factor[i] >= leastScale && factor[i] <= math.MaxFloat32
	}
	if !sensible {
		requantize(p.factors, c, sums, p.at)
		return
	}
	out, zero := &c.Out[0].Tensor, c.In[p.yZero].Bytes[0]
	for i := 0; i < len(sums); i += len(factor) {
		row := sums[i:][:len(factor)]
		p.convert.Binary[vector.Mul](row, row, factor)
		if out.DType == tensor.Int8 {
			p.convert.QuantizeInt8(tensor.Data[int8](*out)[i:][:len(row)], row, 1, int8(zero))
		} else {
			p.convert.QuantizeUint8(out.Bytes[i:][:len(row)], row, 1, zero)
		}
	}
}

// stage writes the summands of a part of an operand, less its zero point; k rows or columns of it, of width elements each, follow each other.
func (p *exactProduct) stage(dst []float32, c *Call, input, zero, part, k, width int) {
	src := c.In[input].Bytes
	z := byte(0)
	if zero < len(c.In) && c.In[zero] != nil {
		z = c.In[zero].Bytes[0]
	}
	first := part * p.part
	count := max(min(p.part, k-first), 0) * width
	if p.parts == 1 {
		count = len(src)
	}
	for at := first * width; len(dst) > 0; at += k * width {
		if run := dst[:count]; count > 0 && c.In[input].DType == tensor.Int8 {
			p.convert.DequantizeInt8(run, tensor.Data[int8](c.In[input].Tensor)[at:at+count], 1, int8(z))
		} else if count > 0 {
			p.convert.DequantizeUint8(run, src[at:at+count], 1, z)
		}
		end := max(count, p.part*width)
		clear(dst[count:end])
		dst = dst[end:]
	}
}
