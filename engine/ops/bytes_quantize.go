package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/quant"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// bytesQuantize is eiplan/BytesQuantize: QuantizeLinear of float32 to bytes with the attributes scale and zero, into the Channels layout.
func bytesQuantize() Op {
	return Op{Infer: func(n *graph.Node) error {
		yields(n, 0, tensor.Uint8, n.In(0).Shape)
		return takes(n, 0, 1<<tensor.Float32)
	}, Cost: costElementwise(2), Prepare: prepareBytesQuantize}
}

func prepareBytesQuantize(n *graph.Node, t *Target) (Kernel, error) {
	x, y := n.In(0), n.Outputs[0]
	scale, out := n.Float("scale", 1), bytesOf(n)
	v := vector.For(t.Features)
	to := imageOf(y)
	k := Kernel{Class: "quantize " + v.Variant + " int8"}
	switch {
	case x.Layout.Channels:
		from := imageOf(x)
		k.Bind = inRows(x.Shape[0]*to.Height, func(c *Call, _, i int) {
			src := tensor.Data[float32](c.In[0].Tensor)[from.Index(i/to.Height, 0, i%to.Height, 0):][:to.Width*from.PixelPitch]
			v.QuantizeUint8(c.Out[0].Bytes[to.Index(i/to.Height, 0, i%to.Height, 0):][:len(src)], src, scale, out.Zero)
		})
	case to.PixelPitch == fewChannels:
		f, plane := quant.For(t.Features), to.Height*to.Width
		k.Bind = func(c *Call) func() error {
			workers := make([]quant.Planes, c.Team.Size())
			for i := range workers {
				workers[i] = quant.NewPlanes(scale, out)
			}
			return inRows(x.Shape[0]*to.Height, func(c *Call, worker, i int) {
				src := tensor.Data[float32](c.In[0].Tensor)[i/to.Height*plane*to.Channels+i%to.Height*to.Width:]
				f.Interleave(&workers[worker], c.Out[0].Bytes[to.Index(i/to.Height, 0, i%to.Height, 0):], src, to.Channels, plane, to.Width)
			})(c)
		}
	default:
		m := move.For(t.Features)
		elements := x.Shape.Elements()
		k.Scratch = roundUp(elements, 64)
		quantize := inRows(ceilDiv(elements, bytesPiece), func(c *Call, _, i int) {
			from, end := i*bytesPiece, min((i+1)*bytesPiece, elements)
			v.QuantizeUint8(c.Scratch[from:end], tensor.Data[float32](c.In[0].Tensor)[from:end], scale, out.Zero)
		})
		reorder := inRows(x.Shape[0]*to.Height, func(c *Call, _, i int) { bytesIntoRow(m, c.Out[0].Bytes, c.Scratch, to, i) })
		k.Bind = func(c *Call) func() error {
			first, second := quantize(c), reorder(c)
			return func() error {
				if err := first(); err != nil {
					return err
				}
				return second()
			}
		}
	}
	return k, nil
}

// inRows binds work that is cut into count parts.
func inRows(count int, work func(c *Call, worker, i int)) func(c *Call) func() error {
	return func(c *Call) func() error {
		part := func(worker, i int) { work(c, worker, i) }
		return func() error {
			inParts(c.Team, count, part)
			return nil
		}
	}
}

// bytesIntoRow gathers row i of an image's pixels from planes; bytesFromRow is the way back.
func bytesIntoRow(f *move.Funcs, dst, src []byte, img conv.Image, i int) {
	b, y := i/img.Height, i%img.Height
	plane := img.Height * img.Width
	move.Transpose(f, dst[img.Index(b, 0, y, 0):], src[b*plane*img.Channels+y*img.Width:], img.Channels, img.Width, img.PixelPitch, plane)
}

func bytesFromRow(f *move.Funcs, dst, src []byte, img conv.Image, i int) {
	b, y := i/img.Height, i%img.Height
	plane := img.Height * img.Width
	move.Transpose(f, dst[b*plane*img.Channels+y*img.Width:], src[img.Index(b, 0, y, 0):], img.Width, img.Channels, plane, img.PixelPitch)
}

// prepareBytesReorder is ToChannels or FromChannels of bytes.
func prepareBytesReorder(n *graph.Node, t *Target) (Kernel, error) {
	f := move.For(t.Features)
	img, reorder := conv.Image{}, bytesIntoRow
	if n.Outputs[0].Layout.Channels {
		img = imageOf(n.Outputs[0])
	} else {
		img, reorder = imageOf(n.In(0)), bytesFromRow
	}
	return Kernel{Class: "reorder " + f.Variant, Bind: inRows(n.In(0).Shape[0]*img.Height, func(c *Call, _, i int) {
		reorder(f, c.Out[0].Bytes, c.In[0].Bytes, img, i)
	})}, nil
}

// prepareChannelsDequantize is DequantizeLinear between images.
func prepareChannelsDequantize(n *graph.Node, t *Target) (Kernel, error) {
	v := vector.For(t.Features)
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	scale, zero, _ := ScaleOf(n)
	return Kernel{Class: "quantize " + v.Variant + " int8", Bind: inRows(n.In(0).Shape[0]*to.Height, func(c *Call, _, i int) {
		b, y := i/to.Height, i%to.Height
		src := c.In[0].Bytes[from.Index(b, 0, y, 0):][:to.Width*from.PixelPitch]
		dst := tensor.Data[float32](c.Out[0].Tensor)[to.Index(b, 0, y, 0):][:len(src)]
		v.DequantizeUint8(dst, src, scale, zero)
		if to.PixelPitch != to.Channels {
			for x := range to.Width {
				clear(dst[x*to.PixelPitch+to.Channels : (x+1)*to.PixelPitch])
			}
		}
	})}, nil
}

// prepareBytesMaxPool is MaxPool of bytes between images: the maximum of the rows of each window, and of these of its columns.
func prepareBytesMaxPool(n *graph.Node, t *Target) (Kernel, error) {
	win, err := poolWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	if len(win.in) == 1 {
		win = win.over2()
	}
	f := quant.For(t.Features)
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	pitch := from.PixelPitch
	row := roundUp(from.Width*pitch, 64)
	k := Kernel{Class: "pool " + f.Variant + " int8", Scratch: row * max(t.Threads, 1)}
	k.Bind = func(c *Call) func() error {
		workers := make([]quant.Maximum, c.Team.Size())
		return inRows(n.In(0).Shape[0]*to.Height, func(c *Call, worker, i int) {
			m, tallest := &workers[worker], c.Scratch[worker*row:][:from.Width*pitch]
			b, y := i/to.Height, i%to.Height
			clear(tallest)
			for j := range win.kernel[0] {
				if at := y*win.stride[0] - win.begin[0] + j*win.dilation[0]; at >= 0 && at < from.Height {
					f.Maximum(m, tallest, c.In[0].Bytes[from.Index(b, 0, at, 0):], 1, len(tallest), 0, 0)
				}
			}
			dst := c.Out[0].Bytes[to.Index(b, 0, y, 0):][:to.Width*pitch]
			clear(dst)
			for j := range win.kernel[1] {
				offset := j*win.dilation[1] - win.begin[1]
				first := ceilDiv(max(-offset, 0), win.stride[1])
				last := min((from.Width-1-offset)/win.stride[1], to.Width-1)
				if offset < from.Width && first <= last {
					f.Maximum(m, dst[first*pitch:], tallest[(first*win.stride[1]+offset)*pitch:], last-first+1, pitch, pitch, win.stride[1]*pitch)
				}
			}
		})(c)
	}
	return k, nil
}
