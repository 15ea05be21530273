package ops

import (
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// toChannels is eiplan/ToChannels: its dense input in a Channels layout. fromChannels is eiplan/FromChannels, the way back. Either may change between
// float32 and bfloat16. convert is eiplan/Convert, which does only that, in any layout.
func toChannels() Op   { return Op{Infer: inferReorder, Prepare: prepareToChannels} }
func fromChannels() Op { return Op{Infer: inferReorder, Prepare: prepareFromChannels} }
func convert() Op      { return Op{Infer: inferReorder, Prepare: prepareConvert} }

func inferReorder(n *graph.Node) error {
	if err := arity(n, 1, 1); err != nil {
		return err
	}
	d := n.Outputs[0].DType
	if d != tensor.BFloat16 && d != tensor.Float32 {
		d = n.In(0).DType
	}
	yields(n, 0, d, n.In(0).Shape)
	return nil
}

// stretches cuts images into runs of pixels that lie side by side in the Channels layout as in a plane: rows, or where rows follow one another without a
// gap, pieces of any length.
type stretches struct {
	img      conv.Image
	pixels   int // in a stretch but for the last
	perImage int
}

// stretchPixels is the length of pieces, whose channels fit a near cache.
const stretchPixels = 64

func stretchesOf(img conv.Image) stretches {
	s := stretches{img, img.Width, img.Height}
	if img.RowPitch == img.Width*img.PixelPitch {
		s.pixels = min(stretchPixels, img.Height*img.Width)
		s.perImage = ceilDiv(img.Height*img.Width, s.pixels)
	}
	return s
}

// at is where the i-th stretch of all images begins in the layout and in dense planes, and its pixels.
func (s stretches) at(i int) (index, dense, pixels int) {
	b, first := i/s.perImage, i%s.perImage*s.pixels
	plane := s.img.Height * s.img.Width
	return s.img.Index(b, 0, first/s.img.Width, first%s.img.Width), b*plane*s.img.Channels + first, min(s.pixels, plane-first)
}

func prepareToChannels(n *graph.Node, t *Target) (Kernel, error) {
	if n.In(0).DType == tensor.Uint8 {
		return prepareBytesReorder(n, t)
	}
	f, v := move.For(t.Features), vector.For(t.Features)
	img := imageOf(n.Outputs[0])
	s := stretchesOf(img)
	narrowing := n.Outputs[0].DType != n.In(0).DType
	k := Kernel{Class: "reorder " + f.Variant}
	room := roundUp(s.pixels*img.PixelPitch, 16)
	if narrowing {
		k.Scratch = 4 * room * max(t.Threads, 1)
	}
	k.Bind = func(c *Call) func() error {
		team := teamFor(c.Team, n.In(0).Shape.Elements())
		part := func(worker, i int) {
			index, at, pixels := s.at(i)
			if !narrowing && c.In[0].DType == tensor.BFloat16 {
				fromPlanes(f, tensor.Data[uint16](c.Out[0].Tensor)[index:], tensor.Data[uint16](c.In[0].Tensor)[at:], pixels, img)
				return
			}
			src := tensor.Data[float32](c.In[0].Tensor)[at:]
			if !narrowing {
				fromPlanes(f, tensor.Data[float32](c.Out[0].Tensor)[index:], src, pixels, img)
				return
			}
			wide := pixels * img.PixelPitch
			scratch, _ := scratchFloats(c.Scratch[worker*4*room:], wide)
			fromPlanes(f, scratch, src, pixels, img)
			v.ToBF16(tensor.Data[uint16](c.Out[0].Tensor)[index:index+wide], scratch)
		}
		return func() error {
			inParts(team, n.In(0).Shape[0]*s.perImage, part)
			return nil
		}
	}
	return k, nil
}

// fromPlanes gathers pixels from planes and zeroes their channels after the last.
func fromPlanes[T move.Element](f *move.Funcs, dst, src []T, pixels int, img conv.Image) {
	move.Transpose(f, dst, src, img.Channels, pixels, img.PixelPitch, img.Height*img.Width)
	if img.Channels != img.PixelPitch {
		for x := range pixels {
			clear(dst[x*img.PixelPitch+img.Channels : (x+1)*img.PixelPitch])
		}
	}
}

func prepareFromChannels(n *graph.Node, t *Target) (Kernel, error) {
	if n.In(0).DType == tensor.Uint8 {
		return prepareBytesReorder(n, t)
	}
	f, v := move.For(t.Features), vector.For(t.Features)
	img := imageOf(n.In(0))
	s := stretchesOf(img)
	widening := n.Outputs[0].DType != n.In(0).DType
	k := Kernel{Class: "reorder " + f.Variant}
	room := roundUp(s.pixels*img.PixelPitch, 16)
	if widening {
		k.Scratch = 4 * room * max(t.Threads, 1)
	}
	plane := img.Height * img.Width
	k.Bind = func(c *Call) func() error {
		team := teamFor(c.Team, n.In(0).Shape.Elements())
		part := func(worker, i int) {
			first, at, pixels := s.at(i)
			if !widening && c.In[0].DType == tensor.BFloat16 {
				move.Transpose(f, tensor.Data[uint16](c.Out[0].Tensor)[at:], tensor.Data[uint16](c.In[0].Tensor)[first:], pixels, img.Channels, plane, img.PixelPitch)
				return
			}
			dst := tensor.Data[float32](c.Out[0].Tensor)[at:]
			if !widening {
				move.Transpose(f, dst, tensor.Data[float32](c.In[0].Tensor)[first:], pixels, img.Channels, plane, img.PixelPitch)
				return
			}
			wide := pixels * img.PixelPitch
			scratch, _ := scratchFloats(c.Scratch[worker*4*room:], wide)
			v.FromBF16(scratch, tensor.Data[uint16](c.In[0].Tensor)[first:first+wide])
			move.Transpose(f, dst, scratch, pixels, img.Channels, plane, img.PixelPitch)
		}
		return func() error {
			inParts(team, n.In(0).Shape[0]*s.perImage, part)
			return nil
		}
	}
	return k, nil
}

// convertPiece is how many elements a worker converts at a time.
const convertPiece = 16 << 10

// prepareConvert rounds to bfloat16 or widens, the halo with the rest: both sides have one layout.
func prepareConvert(n *graph.Node, t *Target) (Kernel, error) {
	v := vector.For(t.Features)
	narrowing := n.Outputs[0].DType == tensor.BFloat16
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			from := i * convertPiece
			if narrowing {
				src := tensor.Data[float32](c.In[0].Tensor)
				to := min(from+convertPiece, len(src))
				v.ToBF16(tensor.Data[uint16](c.Out[0].Tensor)[from:to], src[from:to])
				return
			}
			src := tensor.Data[uint16](c.In[0].Tensor)
			to := min(from+convertPiece, len(src))
			v.FromBF16(tensor.Data[float32](c.Out[0].Tensor)[from:to], src[from:to])
		}
		return func() error {
			inParts(c.Team, ceilDiv(len(c.In[0].Bytes)/(c.In[0].DType.Bits()/8), convertPiece), part)
			return nil
		}
	}
	return Kernel{Class: "convert " + v.Variant, Bind: bind}, nil
}

// transposeUse lets a Transpose between N×C×H×W and N×H×W×C read or write the Channels layout, which is that order already.
func transposeUse(n *graph.Node) LayoutUse {
	switch perm := n.Ints("perm"); {
	case slices.Equal(perm, []int{0, 2, 3, 1}) && image4(n.In(0)):
		return FromChannels
	case slices.Equal(perm, []int{0, 3, 1, 2}) && n.In(0).Const == nil && n.In(0).DType == n.Outputs[0].DType:
		return IntoChannels
	}
	return DenseOnly
}

// prepareChannelsTranspose copies pixels without their padding, or with it.
func prepareChannelsTranspose(n *graph.Node, _ *Target) (Kernel, error) {
	into := n.Outputs[0].Layout.Channels
	v := n.In(0)
	if into {
		v = n.Outputs[0]
	}
	img := imageOf(v)
	size := v.DType.Bits() / 8
	channels, pitch := img.Channels*size, img.PixelPitch*size
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			dense := i * img.Width * channels
			at := img.Index(i/img.Height, 0, i%img.Height, 0) * size
			for range img.Width {
				if into {
					copy(c.Out[0].Bytes[at:at+channels], c.In[0].Bytes[dense:])
					clear(c.Out[0].Bytes[at+channels : at+pitch])
				} else {
					copy(c.Out[0].Bytes[dense:dense+channels], c.In[0].Bytes[at:])
				}
				at, dense = at+pitch, dense+channels
			}
		}
		return func() error {
			inParts(c.Team, v.Shape[0]*img.Height, part)
			return nil
		}
	}
	return Kernel{Class: "copy", Bind: bind}, nil
}

// fitsConcat reports whether a Concat joins channels: of images, and of constants.
func fitsConcat(n *graph.Node) bool {
	axis, err := axisOf(n.Int("axis", 0), len(n.Outputs[0].Shape))
	if err != nil || axis != 1 {
		return false
	}
	images := 0
	for _, v := range n.Inputs {
		switch {
		case image4(v):
			images++
		case !v.Known() || v.DType != n.Outputs[0].DType || v.Shape.Elements() == 0:
			return false
		}
	}
	return images > 0
}

// prepareChannelsConcat copies the channels of each input into each pixel, but for inputs that were made there.
func prepareChannelsConcat(n *graph.Node, t *Target) (Kernel, error) {
	to := imageOf(n.Outputs[0])
	size := n.Outputs[0].DType.Bits() / 8
	var copied []int // inputs
	from, firsts := make([]conv.Image, len(n.Inputs)), make([]int, len(n.Inputs))
	constants := make([][]byte, len(n.Inputs))
	first := 0
	for i, v := range n.Inputs {
		firsts[i] = first
		first += v.Shape[1]
		if liesIn(v, n.Outputs[0], firsts[i]) {
			continue
		}
		copied = append(copied, i)
		if v.Const == nil {
			from[i] = imageOf(v)
			continue
		}
		from[i] = conv.NewImage(to.Height, to.Width, v.Shape[1], 1, conv.Halo{})
		constants[i] = pixelsOf(v, from[i], move.For(t.Features))
	}
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			image, y := i/to.Height, i%to.Height
			for _, j := range copied {
				img, src := from[j], constants[j]
				if src == nil {
					src = c.In[j].Bytes
				}
				dst := c.Out[0].Bytes[to.Index(image, firsts[j], y, 0)*size:]
				src = src[img.Index(image, 0, y, 0)*size:]
				for x := range to.Width {
					copy(dst[x*to.PixelPitch*size:][:img.Channels*size], src[x*img.PixelPitch*size:])
				}
			}
		}
		return func() error {
			inParts(c.Team, n.Outputs[0].Shape[0]*to.Height, part)
			return nil
		}
	}
	if len(copied) == 0 {
		return Kernel{Class: "in place", Bind: func(*Call) func() error { return func() error { return nil } }}, nil
	}
	return Kernel{Class: "copy", Bind: bind}, nil
}

// liesIn reports whether v's memory is that of y's channels from first on.
func liesIn(v, y *graph.Value, first int) bool {
	l, in := v.Layout, y
	if y.Layout.Within != nil {
		in, first = y.Layout.Within, first+y.Layout.First
	}
	return l.Within == in && l.First == first
}

// pixelsOf lays a constant out with its channels innermost.
func pixelsOf(v *graph.Value, img conv.Image, f *move.Funcs) []byte {
	t := tensor.New(v.DType, v.Shape)
	plane := img.Height * img.Width * img.Channels
	for b := range v.Shape[0] {
		if v.DType == tensor.BFloat16 {
			move.FromNCHW(f, tensor.Data[uint16](t)[b*plane:], moveImage(img), constant[uint16](v)[b*plane:][:plane])
		} else {
			move.FromNCHW(f, tensor.Data[float32](t)[b*plane:], moveImage(img), constant[float32](v)[b*plane:][:plane])
		}
	}
	return t.Bytes
}

// fitsBatchNormalization reports whether the parameters are constants of float32, as is X.
func fitsBatchNormalization(n *graph.Node) bool {
	for i := 1; i < 5; i++ {
		if !n.In(i).Known() || n.In(i).DType != tensor.Float32 {
			return false
		}
	}
	return n.Int("training_mode", 0) == 0 && n.In(0).DType == tensor.Float32 && image4(n.In(0))
}

// clampedNormalization is eiplan/BatchNormalization: one of images in the Channels layout, whose results are clamped to the attributes lo and hi.
func clampedNormalization() Op {
	return Op{Infer: inferBatchNormalization, Cost: costNormalize, Prepare: prepareChannelsBatchNormalization}
}

// prepareChannelsBatchNormalization scales and shifts rows of pixels, and clamps them while they are in the cache.
func prepareChannelsBatchNormalization(n *graph.Node, t *Target) (Kernel, error) {
	from, to := imageOf(n.In(0)), imageOf(n.Outputs[0])
	f := vector.For(t.Features)
	scale, shift := make([]float32, to.PixelPitch), make([]float32, to.PixelPitch)
	for i := range n.In(0).Shape[1] {
		s := float64(constant[float32](n.In(1))[i]) / math.Sqrt(float64(constant[float32](n.In(4))[i])+float64(n.Float("epsilon", 1e-5)))
		scale[i] = float32(s)
		shift[i] = float32(float64(constant[float32](n.In(2))[i]) - float64(constant[float32](n.In(3))[i])*s)
	}
	pixels := min(to.Width, max(1, fusedBlock/to.PixelPitch)) // at a time
	clamp, clip := clampOf(n), f.Param[vector.Clip]
	clamps := clamp != gemm.Unbounded()
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			image, y := i/to.Height, i%to.Height
			dst, src := tensor.Data[float32](c.Out[0].Tensor)[to.Index(image, 0, y, 0):], tensor.Data[float32](c.In[0].Tensor)[from.Index(image, 0, y, 0):]
			for first := 0; first < to.Width; first += pixels {
				count := min(pixels, to.Width-first)
				y, x := dst[first*to.PixelPitch:][:count*to.PixelPitch], src[first*from.PixelPitch:]
				if from.PixelPitch == to.PixelPitch {
					f.ScaleShift(y, x[:len(y)], scale, shift)
				} else { // of an input within the channels of another value
					for i := range count {
						f.ScaleShift(y[i*to.PixelPitch:][:from.Channels], x[i*from.PixelPitch:][:from.Channels], scale[:from.Channels], shift[:from.Channels])
					}
				}
				if clamps {
					clip(y, y, clamp.Lo, clamp.Hi)
				}
			}
		}
		return func() error {
			inParts(c.Team, n.In(0).Shape[0]*to.Height, part)
			return nil
		}
	}
	return Kernel{Class: "normalize " + f.Variant, Bind: bind}, nil
}
