package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/models/tensor"
)

// bytesWindow is ConvInteger or QLinearConv with constant weights between dense values: images go to scratch memory, channels innermost and shifted to
// unsigned bytes, with the zero point around them, and results come from there.
type bytesWindow struct {
	factors
	plan            quant.Convolution
	images, in, out int // bytes of scratch memory
	size            int // bytes of a result
}

// windowOnBytes plans a convolution, or returns nil where it does not fit: x's zero point must be one number, and all that belongs to the weights and the
// result known.
func (f factors) windowOnBytes(n *graph.Node) *bytesWindow {
	x, w, y := n.Inputs[f.a], n.Inputs[f.b], n.Outputs[0]
	if !f.isConv(n) || len(x.Shape) != 3 && len(x.Shape) != 4 || !x.Static() || !y.Static() || x.Shape.Elements() == 0 || y.Shape.Elements() == 0 || w.Shape[1:].Elements() > quant.MostProducts {
		return nil
	}
	if z := n.In(f.aZero); z != nil && z.Shape.Elements() != 1 {
		return nil
	}
	p := &bytesWindow{factors: f, images: x.Shape[0], size: 4}
	if p.plan.Weights = LessZeros(w, n.In(f.bZero)); p.plan.Weights == nil {
		return nil
	}
	if f.yScale >= 0 {
		if p.size = 1; !f.requantized(n, w.Shape[0], &p.plan) {
			return nil
		}
		if b := n.In(f.bias); b != nil {
			if !b.Known() || !FitsBesideProducts(constant[int32](b)) {
				return nil
			}
			p.plan.Bias = constant[int32](b)
		}
	}
	plain := f.plain(n)
	plain.Outputs[0].Shape = y.Shape
	g, err := placedGeometry(plain)
	if err != nil {
		return nil
	}
	height, width := planeOf(x.Shape)
	g.In = conv.NewImage(height, width, x.Shape[1], pixelOf(x.Shape[1]), g.Halo())
	p.in, p.out = roundUp(g.In.Size(p.images)+quant.Slack, 64), roundUp(g.Out.Size(p.images)*p.size, 64)
	p.plan.Geometry = g
	return p
}

// pixelOf is what a pixel's bytes are rounded up to.
func pixelOf(channels int) int {
	if channels <= fewChannels {
		return fewChannels
	}
	return channelLanes
}

// LinearScale is what the sums of each output channel of a QLinearConv are multiplied by; nil where that is not known, or no sensible number.
func LinearScale(n *graph.Node) []float32 {
	return linearFactors(8).scaleOfSums(n, n.Inputs[3].Shape[0])
}

// LessZeros are the bytes of known weights less the zero point of each output channel, or of all; nil where these are not known.
func LessZeros(w, zeros *graph.Value) []int16 {
	if !w.Known() || len(w.Shape) == 0 || w.Shape.Elements() == 0 || zeros != nil && (!zeros.Known() || zeros.Const.Len() != 1 && zeros.Const.Len() != w.Shape[0]) {
		return nil
	}
	data := make([]int16, w.Shape.Elements())
	each := len(data) / w.Shape[0]
	for o := range w.Shape[0] {
		zero := int16(0)
		if zeros != nil {
			zero = byteAt(zeros, min(o, zeros.Const.Len()-1))
		}
		for i := o * each; i < (o+1)*each; i++ {
			data[i] = byteAt(w, i) - zero
		}
	}
	return data
}

// byteAt is element i of a constant of bytes.
func byteAt(v *graph.Value, i int) int16 {
	if v.DType == tensor.Int8 {
		return int16(int8(v.Const.Bytes[i]))
	}
	return int16(v.Const.Bytes[i])
}

// FitsBesideProducts reports whether a bias never makes a sum of MostByteProducts too large for int32.
func FitsBesideProducts(bias []int32) bool {
	const most = 1 << 30
	for _, b := range bias {
		if b > most || b < -most {
			return false
		}
	}
	return true
}

func (p *bytesWindow) prepare(n *graph.Node, t *Target) (Kernel, error) {
	plan, err := quant.Prepare(t.Weights(), t.Features, p.plan)
	if err != nil {
		return Kernel{}, err
	}
	m := move.For(t.Features)
	from, to := p.plan.In, p.plan.Geometry.Out
	shift, flip := signOf(n.Inputs[p.a]), signOf(n.Outputs[0])
	stage := inRows(p.images*from.Height, func(c *Call, _, i int) {
		bytesIntoRow(m, c.Scratch, c.In[p.a].Bytes, from, i)
		if row := c.Scratch[from.Index(i/from.Height, 0, i%from.Height, 0):]; shift != 0 {
			flipSigns(row[:from.Width*from.PixelPitch])
		}
	})
	plane := to.Height * to.Width
	unstage := inRows(p.images*to.Height, func(c *Call, _, i int) {
		result := c.Scratch[p.in:][:p.out]
		if p.size == 1 {
			if row := result[to.Index(i/to.Height, 0, i%to.Height, 0):]; flip != 0 {
				flipSigns(row[:to.Width*to.PixelPitch])
			}
			bytesFromRow(m, c.Out[0].Bytes, result, to, i)
			return
		}
		sums := tensor.Data[int32](tensor.Tensor{DType: tensor.Int32, Bytes: result})
		b, y := i/to.Height, i%to.Height
		move.Transpose(m, tensor.Data[int32](c.Out[0].Tensor)[b*plane*to.Channels+y*to.Width:], sums[to.Index(b, 0, y, 0):], to.Width, to.Channels, plane, to.PixelPitch)
	})
	return Kernel{Class: plan.Class(), Packed: []int{p.b}, Scratch: p.in + p.out, Bind: func(c *Call) func() error {
		call, into, back := plan.Bind(c.Team.Size()), stage(c), unstage(c)
		return func() error {
			zero := shift
			if p.aZero < len(c.In) && c.In[p.aZero] != nil {
				zero ^= c.In[p.aZero].Bytes[0]
			}
			call.SetZero(zero)
			if from.Halo != (conv.Halo{}) {
				move.Fill(c.Scratch[:p.in], zero)
			}
			if err := into(); err != nil {
				return err
			}
			call.Run(c.Team, c.Scratch[:p.in], c.Scratch[p.in:][:p.out])
			return back()
		}
	}}, nil
}

// flipSigns turns signed bytes into unsigned ones of the same order, and back.
func flipSigns(row []byte) {
	for i := range row {
		row[i] ^= signBit
	}
}
