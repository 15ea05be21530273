package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/models/tensor"
)

// bytesProduct is MatMulInteger or QLinearMatMul by a constant matrix: rows of a, shifted to unsigned bytes in scratch memory, times packed columns.
type bytesProduct struct {
	factors
	rows, k, pitch, columns int
	plan                    quant.Convolution
}

// signBit is what signed and unsigned bytes of one order differ in.
const signBit = 0x80

// onBytes plans a product, or returns nil where it does not fit: a's zero point must be one number, and all that belongs to b and the result known.
func (f factors) onBytes(n *graph.Node) *bytesProduct {
	a, b := n.Inputs[f.a], n.Inputs[f.b]
	if f.isConv(n) || !b.Known() || len(b.Shape) != 2 || len(a.Shape) < 2 || !a.Static() || a.Shape.Elements() == 0 || b.Shape.Elements() == 0 || b.Shape[0] > quant.MostProducts {
		return nil
	}
	if z := n.In(f.aZero); z != nil && z.Shape.Elements() != 1 {
		return nil
	}
	p := &bytesProduct{factors: f, k: b.Shape[0], columns: b.Shape[1]}
	p.rows, p.pitch = a.Shape.Elements()/p.k, roundUp(p.k, channelLanes)
	if p.plan.Weights = p.weights(b, n.In(f.bZero)); p.plan.Weights == nil {
		return nil
	}
	if f.yScale >= 0 && !f.requantized(n, p.columns, &p.plan) {
		return nil
	}
	p.plan.Geometry = conv.Geometry{N: 1, KernelH: 1, KernelW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	p.plan.In = conv.NewImage(1, p.rows, p.k, channelLanes, conv.Halo{})
	p.plan.Geometry.Out = conv.NewImage(1, p.rows, p.columns, 1, conv.Halo{})
	return p
}

// weights are b's columns less their zero points; nil where these are not known.
func (p *bytesProduct) weights(b, zero *graph.Value) []int16 {
	if zero != nil && (!zero.Known() || zero.Const.Len() != 1 && zero.Const.Len() != p.columns) {
		return nil
	}
	w := make([]int16, p.k*p.columns)
	for c := range p.columns {
		z := 0.0
		if zero != nil {
			z = realAt(zero.Const, min(c, zero.Const.Len()-1))
		}
		for k := range p.k {
			w[c*p.k+k] = int16(realAt(b.Const, k*p.columns+c) - z)
		}
	}
	return w
}

// requantized sets how sums become bytes; false where that is not known.
func (f factors) requantized(n *graph.Node, columns int, plan *quant.Convolution) bool {
	zero := n.Inputs[f.yZero]
	if plan.Scale = f.scaleOfSums(n, columns); plan.Scale == nil || !zero.Known() || zero.Const.Len() != 1 {
		return false
	}
	plan.Out = quant.Bytes{Zero: zero.Const.Bytes[0] ^ signOf(zero), Lo: 0, Hi: 255}
	return true
}

// scaleOfSums is what the sums of each column are multiplied by; nil where that is not known, or no sensible number.
func (f factors) scaleOfSums(n *graph.Node, columns int) []float32 {
	for _, i := range []int{f.aScale, f.bScale, f.yScale} {
		v := n.Inputs[i]
		if !v.Known() || v.Const.Len() != 1 && (i != f.bScale || v.Const.Len() != columns) {
			return nil
		}
	}
	scale := make([]float32, columns)
	b := n.Inputs[f.bScale].Const
	step := realAt(n.Inputs[f.aScale].Const, 0) / realAt(n.Inputs[f.yScale].Const, 0)
	for c := range scale {
		if scale[c] = float32(step * realAt(b, min(c, b.Len()-1))); !(scale[c] >= leastScale && scale[c] <= math.MaxFloat32) {
			return nil
		}
	}
	return scale
}

// leastScale is the smallest number that all kernels of float32 take for what it is.
const leastScale = 0x1p-126

// signOf is what a byte of v differs in from the unsigned byte of its order.
func signOf(v *graph.Value) byte {
	if v.DType == tensor.Int8 {
		return signBit
	}
	return 0
}

func (p *bytesProduct) prepare(n *graph.Node, t *Target) (Kernel, error) {
	plan, err := quant.Prepare(t.Weights(), t.Features, p.plan)
	if err != nil {
		return Kernel{}, err
	}
	shift := signOf(n.Inputs[p.a])
	flip := n.Outputs[0].DType == tensor.Int8
	return Kernel{Class: plan.Class(), Packed: []int{p.b}, Scratch: roundUp(p.rows*p.pitch+quant.Slack, 64), Bind: func(c *Call) func() error {
		call := plan.Bind(c.Team.Size())
		return func() error {
			zero := byte(0)
			if p.aZero < len(c.In) && c.In[p.aZero] != nil {
				zero = c.In[p.aZero].Bytes[0]
			}
			call.SetZero(zero ^ shift)
			p.stage(c.Scratch, c.In[p.a].Bytes, shift)
			call.Run(c.Team, c.Scratch[:p.rows*p.pitch], c.Out[0].Bytes)
			if flip {
				flipSigns(c.Out[0].Bytes)
			}
			return nil
		}
	}}, nil
}

// stage copies a's rows, shifted.
func (p *bytesProduct) stage(dst, src []byte, shift byte) {
	for i := range p.rows {
		row := dst[i*p.pitch:][:p.k]
		copy(row, src[i*p.k:])
		if shift != 0 {
			flipSigns(row)
		}
	}
}
