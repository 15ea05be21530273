package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/models/tensor"
)

// bytesConcat is eiplan/BytesConcat: Concat along the channels of images of bytes of several scales and zero points, the lists scales and zeros, each
// brought to the result's.
func bytesConcat() Op {
	return Op{Infer: func(n *graph.Node) error { return concat().Infer(n) }, Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
		return joinBytes(n, t, func(dst []byte, to *conv.Image, first, j int, src []byte, from *conv.Image) {
			for x := range to.Width {
				copy(dst[x*to.PixelPitch+first:][:from.Channels], src[x*from.PixelPitch:])
			}
		})
	}}
}

// bytesPick is eiplan/BytesPick: an image whose channel c is channel channel[c] of input input[c], brought from the scales and zeros of its input to the
// result's.
func bytesPick() Op {
	return Op{Infer: inferBytesPick, Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
		picks := make([][]quant.Pick, len(n.Inputs))
		channel := n.Ints("channel")
		for c, j := range n.Ints("input") {
			picks[j] = append(picks[j], quant.Pick{To: c, From: channel[c]})
		}
		return joinBytes(n, t, func(dst []byte, to *conv.Image, _, j int, src []byte, from *conv.Image) {
			quant.PickChannels(dst, src, to.Width, to.PixelPitch, from.PixelPitch, picks[j])
		})
	}}
}

func inferBytesPick(n *graph.Node) error {
	input, channel := n.Ints("input"), n.Ints("channel")
	if len(n.Inputs) == 0 || n.In(0) == nil || len(n.In(0).Shape) < 3 || len(input) != len(channel) {
		return fmt.Errorf("%d inputs for %d and %d channels", len(n.Inputs), len(input), len(channel))
	}
	for c, j := range input {
		if j < 0 || j >= len(n.Inputs) || channel[c] < 0 || channel[c] >= n.Inputs[j].Shape[1] {
			return fmt.Errorf("no channel %d of input %d", channel[c], j)
		}
	}
	s := n.In(0).Shape.Clone()
	s[1] = len(channel)
	yields(n, 0, tensor.Uint8, s)
	return nil
}

// joinBytes makes one image of several, row by row: place puts what input j gives to a row, brought to the result's scale, into it; first is the number of
// channels of the inputs before it.
func joinBytes(n *graph.Node, t *Target, place func(dst []byte, to *conv.Image, first, j int, src []byte, from *conv.Image)) (Kernel, error) {
	if !n.Outputs[0].Layout.Channels {
		return Kernel{}, fmt.Errorf("bytes in a dense layout")
	}
	f := quant.For(t.Features)
	to := imageOf(n.Outputs[0])
	from := make([]conv.Image, len(n.Inputs))
	functions, same := make([]quant.Affine, len(n.Inputs)), make([]bool, len(n.Inputs))
	scales, zeros := n.Attributes["scales"].Floats, n.Ints("zeros")
	row := 0
	for i, v := range n.Inputs {
		from[i] = imageOf(v)
		row = max(row, roundUp(to.Width*from[i].PixelPitch, 64))
		functions[i] = quant.NewAffine(bytesOf(n))
		functions[i].ScaleA, functions[i].ZeroA = scales[i], int32(zeros[i])
		same[i] = scales[i] == 1 && zeros[i] == n.Int("zero", 0) && n.Int("lo", 0) == 0
	}
	bind := func(c *Call) func() error {
		workers := make([][]quant.Affine, c.Team.Size())
		for i := range workers {
			workers[i] = append([]quant.Affine(nil), functions...)
		}
		return inRows(n.Outputs[0].Shape[0]*to.Height, func(c *Call, worker, i int) {
			image, y := i/to.Height, i%to.Height
			dst := c.Out[0].Bytes[to.Index(image, 0, y, 0):]
			first := 0
			for j := range from {
				m := &from[j]
				src := c.In[j].Bytes[m.Index(image, 0, y, 0):][:m.Width*m.PixelPitch]
				if !same[j] {
					scaled := c.Scratch[worker*row:][:len(src)]
					f.Affine(&workers[worker][j], scaled, src, nil)
					src = scaled
				}
				place(dst, &to, first, j, src, m)
				first += m.Channels
			}
		})(c)
	}
	return Kernel{Class: "copy " + f.Variant + " int8", Scratch: row * max(t.Threads, 1), Bind: bind}, nil
}
