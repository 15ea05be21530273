package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/models/tensor"
)

// The operators of this file compute with bytes that stand for real numbers, (q − zero)·scale, as the quantize pass makes them of a quantized model's nodes.
// Their results become bytes as the attributes zero, lo and hi say: zero + round(x) within [lo, hi].

// bytesConv is eiplan/BytesConv: Conv of bytes less the attribute zero_in with constant weights, int16 less their zero point, and an int32 bias, which may be
// absent; the sums are multiplied by a scale for each output channel. Inputs: x, weights, bias, scale.
func bytesConv() Op {
	return Op{Infer: inferBytesConv, Cost: costConv, Prepare: prepareBytesConv}
}

func inferBytesConv(n *graph.Node) error {
	if err := arity(n, 4, 4); err != nil && n.In(2) != nil {
		return err
	}
	if err := inferConv(n); err != nil {
		return err
	}
	n.Outputs[0].DType = tensor.Uint8
	return takes(n, 0, 1<<tensor.Uint8)
}

// bytesOf is how a node's results become bytes.
func bytesOf(n *graph.Node) quant.Bytes {
	return quant.Bytes{Zero: uint8(n.Int("zero", 0)), Lo: uint8(n.Int("lo", 0)), Hi: uint8(n.Int("hi", 255))}
}

func prepareBytesConv(n *graph.Node, t *Target) (Kernel, error) {
	g, err := convGeometry(n)
	if err != nil {
		return Kernel{}, err
	}
	if !n.In(0).Layout.Channels || !n.Outputs[0].Layout.Channels {
		return Kernel{}, fmt.Errorf("bytes in a dense layout")
	}
	g.In, g.Out = imageOf(n.In(0)), imageOf(n.Outputs[0])
	c := quant.Convolution{Geometry: g, Weights: constant[int16](n.In(1)), ZeroIn: uint8(n.Int("zero_in", 0)), Scale: constant[float32](n.In(3)), Out: bytesOf(n)}
	if b := n.In(2); b != nil {
		c.Bias = constant[int32](b)
	}
	plan, err := quant.Prepare(t.Weights(), t.Features, c)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Class: plan.Class(), Packed: []int{1}, Bind: func(c *Call) func() error {
		call := plan.Bind(c.Team.Size())
		return func() error {
			call.Run(c.Team, c.In[0].Bytes, c.Out[0].Bytes)
			return nil
		}
	}}, nil
}

// bytesAffine is eiplan/BytesAffine: (a − zero_a)·scale_a, plus (b − zero_b)·scale_b where there is a second input, of the same shape.
func bytesAffine() Op {
	return Op{Infer: inferBytesAffine, Cost: costElementwise(4), Prepare: prepareBytesAffine}
}

func inferBytesAffine(n *graph.Node) error {
	if err := arity(n, 1, 2); err != nil {
		return err
	}
	if b := n.In(1); b != nil && b.Static() && n.In(0).Static() && !b.Shape.Equal(n.In(0).Shape) {
		return fmt.Errorf("%s and %s", n.In(0).Shape, b.Shape)
	}
	yields(n, 0, tensor.Uint8, n.In(0).Shape)
	return sameTypes(n, 1<<tensor.Uint8, 0, 1)
}

// affineOf is a node's function of its first two inputs.
func affineOf(n *graph.Node) quant.Affine {
	a := quant.NewAffine(bytesOf(n))
	a.ScaleA, a.ScaleB = n.Float("scale_a", 1), n.Float("scale_b", 1)
	a.ZeroA, a.ZeroB = int32(n.Int("zero_a", 0)), int32(n.Int("zero_b", 0))
	return a
}

// bytesPiece is how many bytes a worker takes at a time of values without rows.
const bytesPiece = 32 << 10

func prepareBytesAffine(n *graph.Node, t *Target) (Kernel, error) {
	f := quant.For(t.Features)
	rows := rowsOfBytes(n)
	return Kernel{Class: "affine " + f.Variant + " int8", Bind: func(c *Call) func() error {
		workers := make([]quant.Affine, c.Team.Size())
		for i := range workers {
			workers[i] = affineOf(n)
		}
		part := func(worker, i int) {
			var b []byte
			if len(c.In) > 1 {
				b = rows.in[1].bytes(c.In[1].Bytes, i)
			}
			f.Affine(&workers[worker], rows.out.bytes(c.Out[0].Bytes, i), rows.in[0].bytes(c.In[0].Bytes, i), b)
		}
		return func() error {
			inParts(c.Team, rows.count, part)
			return nil
		}
	}}, nil
}

// bytesRows cuts elementwise work on bytes into runs that lie without a gap in all operands.
type bytesRows struct {
	count int
	out   bytesRow
	in    []bytesRow
}

// bytesRow is where the runs of one operand lie.
type bytesRow struct {
	first, pitch, length, images, imagePitch int
	whole                                    int // bytes of the operand, where runs are just pieces of it
}

func (r *bytesRow) bytes(all []byte, i int) []byte {
	if r.whole > 0 {
		return all[i*bytesPiece : min((i+1)*bytesPiece, r.whole)]
	}
	at := r.first + i/r.images*r.imagePitch + i%r.images*r.pitch
	return all[at : at+r.length]
}

// rowsOfBytes cuts a node's work.
func rowsOfBytes(n *graph.Node) bytesRows {
	var r bytesRows
	y := n.Outputs[0]
	place := func(v *graph.Value) bytesRow {
		if !y.Layout.Channels {
			return bytesRow{whole: max(v.Shape.Elements(), 1)}
		}
		m := imageOf(v)
		return bytesRow{first: m.Origin, pitch: m.RowPitch, length: m.Width * m.PixelPitch, images: m.Height, imagePitch: m.ImagePitch}
	}
	r.out = place(y)
	if r.count = ceilDiv(y.Shape.Elements(), bytesPiece); y.Layout.Channels {
		r.count = y.Shape[0] * imageOf(y).Height
	}
	for _, v := range n.Inputs {
		r.in = append(r.in, place(v))
	}
	return r
}
