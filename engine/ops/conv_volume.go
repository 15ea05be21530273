package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// volumeConv is a convolution over three dimensions as ones over two, a few slices of the output at a time. Where channels are not in groups, an output
// slice is that of one image, whose channels are those of all slices that it reads; else it is a sum over its taps in depth, of an image each.
type volumeConv struct {
	g       grid
	batch   int
	slices  int // of the output, at a time
	images  int // of the input that these read
	stack   int // slices in an image
	step    int // slices of the input between successive images
	apart   int // slices between those in an image
	taps    int // in depth, that are summed
	in, out sliceMover
	plans   []*conv.Plan // of each tap
	last    conv.Buffer  // the first one's residual where the node has none: see biasLast
}

// volumeBytes is how much scratch memory the slices of each thread may take, that they stay in a near cache.
const volumeBytes = 1 << 20

// packableVolume reports whether a convolution over three dimensions can run on packed weights.
func packableVolume(n *graph.Node) bool {
	return len(n.In(0).Shape) == 5 && packedOperands(n) && n.Precision == graph.FP32
}

// packedVolumeConv convolves dense volumes with weights packed here.
func packedVolumeConv(n *graph.Node, t *Target) (Kernel, error) {
	win, err := convWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	v := &volumeConv{batch: n.In(0).Shape[0], stack: 1, taps: 1, apart: 1, step: 1}
	if v.g, err = win.grid(); err != nil {
		return Kernel{}, err
	}
	if err := v.prepare(n, t); err != nil {
		return Kernel{}, err
	}
	k := Kernel{Class: v.plans[0].Class(), Packed: []int{1}}
	for _, p := range v.plans {
		k.Scratch = max(k.Scratch, roundUp(p.Scratch(), 64))
	}
	own := k.Scratch
	ins, outs := roundUp(v.in.image.Size(v.images), 16), roundUp(v.out.image.Size(v.slices), 16)
	k.Scratch += 4 * (ins + outs)
	if n.In(3) != nil {
		k.Scratch += 4 * outs
	}
	k.Bind = func(c *Call) func() error {
		x, rest := scratchFloats(c.Scratch[own:], ins)
		y, rest := scratchFloats(rest, outs)
		r := v.last
		if n.In(3) != nil {
			r.F32, _ = scratchFloats(rest, outs)
		}
		var calls []*conv.Call
		for _, p := range v.plans {
			calls = append(calls, p.Bind(c.Team.Size(), c.Scratch[:own]))
		}
		return v.bind(c, calls, x, y, r)
	}
	return k, nil
}

// prepare plans the convolutions over slices.
func (v *volumeConv) prepare(n *graph.Node, t *Target) error {
	weights, e := n.In(1), gemm.Epilogue{Clamp: gemm.Unbounded()}
	g := v.place(n, t)
	v.cut(t.Threads)
	g.N = v.slices
	if v.taps > 1 {
		g.In.ImagePitch *= v.g.stride[0]
	}
	if n.In(3) != nil {
		g.Residual = g.Out
	}
	if b := n.In(2); b != nil {
		e.Bias = constant[float32](b)
	}
	if !v.out.planar() { // images of planes take no residual
		v.last = biasLast(n, &g, &e)
	}
	for tap := range v.taps {
		if tap == v.taps-1 {
			e.Clamp = clampOf(n)
		}
		p, err := fastestConv(t, formatOf(n), g, v.weightsOf(weights, tap), e)
		if err != nil {
			return err
		}
		if f := n.Str("function", ""); f != "" && tap == v.taps-1 {
			p = p.Then(finishing(f, t))
		}
		v.plans = append(v.plans, p)
		g.Residual, e.Bias = g.Out, nil
	}
	return nil
}

// place settles how slices lie in scratch memory: those of few channels as planes.
func (v *volumeConv) place(n *graph.Node, t *Target) conv.Geometry {
	channels, maps := n.In(0).Shape[1], n.In(1).Shape[0]
	g := conv.Geometry{
		N: 1, Groups: n.Int("group", 1),
		KernelH: v.g.kernel[1], KernelW: v.g.kernel[2],
		StrideH: v.g.stride[1], StrideW: v.g.stride[2],
		DilationH: v.g.dilation[1], DilationW: v.g.dilation[2],
		PadTop: v.g.begin[1], PadLeft: v.g.begin[2],
		Out: conv.NewImage(v.g.out[1], v.g.out[2], maps, channelLanes, conv.Halo{}),
	}
	if g.Groups == 1 {
		v.stack, v.apart = v.g.kernel[0], v.g.dilation[0]
	} else {
		v.taps = v.g.kernel[0]
	}
	if v.taps == 1 {
		v.step = v.g.stride[0]
	}
	g.In = conv.NewImage(v.g.in[1], v.g.in[2], v.stack*channels, channelLanes, conv.Halo{})
	few := conv.MostPlanes
	if g.In.Channels >= channelLanes {
		few = conv.MostPlanes / 2
	}
	toPlanes := g.Groups == 1 && maps <= few && g.Out.Width >= conv.LeastPlaneWidth && g.StrideW == 1 && n.In(3) == nil
	switch {
	case toPlanes || g.Groups == 1 && g.In.Channels < channelLanes:
		g.In = conv.NewPlanar(g.In.Height, g.In.Width, g.In.Channels, g.Halo())
	case t.Tune != nil:
		g.In = conv.NewImage(g.In.Height, g.In.Width, g.In.Channels, channelLanes, g.WidestHalo())
	default:
		g.In = conv.NewImage(g.In.Height, g.In.Width, g.In.Channels, channelLanes, g.WinogradHalo())
	}
	if toPlanes {
		g.Out = conv.NewPlanar(g.Out.Height, g.Out.Width, maps, conv.Halo{})
	}
	f := move.For(t.Features)
	v.in, v.out = moverOf(g.In, channels, v.g.in[0], f), moverOf(g.Out, maps, v.g.out[0], f)
	return g
}

// cut settles how many slices of the output are made at a time, about as many each time.
func (v *volumeConv) cut(threads int) {
	depth := v.g.out[0]
	bytes := 4 * (v.in.image.ImagePitch + v.out.image.ImagePitch)
	v.slices = ceilDiv(depth, ceilDiv(depth, max(max(threads, 1)*volumeBytes/bytes, 1)))
	v.images = v.slices
	if v.taps > 1 {
		v.images = v.slices*v.g.stride[0] + (v.taps-1)*v.g.dilation[0]
	}
}

// weightsOf is the weights of the images of one tap, in the order in which slices are stacked.
func (v *volumeConv) weightsOf(w *graph.Value, tap int) []float32 {
	all, window := constant[float32](w), v.g.kernel[1]*v.g.kernel[2]
	var list []float32
	for m := range w.Shape[0] {
		for k := range v.stack {
			for c := range w.Shape[1] {
				list = append(list, all[((m*w.Shape[1]+c)*v.g.kernel[0]+tap+k)*window:][:window]...)
			}
		}
	}
	return list
}

// bind is the work on given scratch memory: x and y for input and output images, r for what the first tap adds.
func (v *volumeConv) bind(c *Call, calls []*conv.Call, x, y []float32, r conv.Buffer) func() error {
	var batch, first int // of the present slices of the output
	load := func(_, i int) {
		i, piece := i/v.in.pieces, i%v.in.pieces
		image, k := i/v.stack, i%v.stack
		slice := first*v.g.stride[0] - v.g.begin[0] + image*v.step + k*v.apart
		v.in.load(x, tensor.Data[float32](c.In[0].Tensor), batch, slice, image, k, piece)
	}
	loadResidual := func(_, i int) {
		image, piece := i/v.out.pieces, i%v.out.pieces
		v.out.load(r.F32, tensor.Data[float32](c.In[3].Tensor), batch, first+image, image, 0, piece)
	}
	store := func(_, i int) {
		image, piece := i/v.out.pieces, i%v.out.pieces
		v.out.store(tensor.Data[float32](c.Out[0].Tensor), y, batch, first+image, image, piece)
	}
	residual := len(c.In) > 3 && c.In[3] != nil
	depth := v.g.out[0]
	return func() error {
		for batch = range v.batch {
			for from := 0; from < depth; from += v.slices {
				first = min(from, depth-v.slices)
				inParts(c.Team, v.images*v.stack*v.in.pieces, load)
				if residual {
					inParts(c.Team, v.slices*v.out.pieces, loadResidual)
				}
				added := r
				for tap, call := range calls {
					call.Run(c.Team, conv.Buffer{F32: x[tap*v.g.dilation[0]*v.in.image.ImagePitch:]}, conv.Buffer{F32: y}, added)
					added = conv.Buffer{F32: y}
				}
				inParts(c.Team, v.slices*v.out.pieces, store)
			}
		}
		return nil
	}
}

// sliceMover moves slices of dense volumes to images and back, a piece at a time, which is what a worker takes.
type sliceMover struct {
	image     conv.Image // of one slice, or of several with one's channels after the other's
	stretches stretches
	pieces    int // of a slice: planes, or stretches of pixels
	channels  int // of a slice
	slices    int // of a volume
	move      *move.Funcs
}

func moverOf(image conv.Image, channels, slices int, f *move.Funcs) sliceMover {
	s := sliceMover{image: image, stretches: stretchesOf(image), pieces: channels, channels: channels, slices: slices, move: f}
	if !s.planar() {
		s.pieces = s.stretches.perImage
	}
	return s
}

// planar reports whether the image is planes.
func (s *sliceMover) planar() bool { return s.image.PixelPitch == 1 }

// load fills a piece of the k-th slice of an image with that of a slice of the volume, with zeros where that is none of it. Whoever loads an image's first
// piece clears what lies around its pixels.
func (s *sliceMover) load(dst, volumes []float32, batch, slice, image, k, piece int) {
	img, plane := &s.image, s.image.Height*s.image.Width
	dst = dst[image*img.ImagePitch:][:img.ImagePitch]
	inside := slice >= 0 && slice < s.slices
	at := (batch*s.channels*s.slices + slice) * plane
	if s.planar() {
		dst = dst[(k*s.channels+piece)*img.PlanePitch:][:img.PlanePitch]
		if !inside {
			clear(dst)
			return
		}
		loadPlanes(dst, img.Slice(0, 1), volumes[at+piece*s.slices*plane:][:plane])
		return
	}
	if k == 0 && piece == 0 {
		move.ClearAround(dst, moveImage(*img))
	}
	index, from, pixels := s.stretches.at(piece)
	dst = dst[index:]
	if inside {
		move.Transpose(s.move, dst[k*s.channels:], volumes[at+from:], s.channels, pixels, img.PixelPitch, s.slices*plane)
	}
	for x := range pixels {
		pixel := dst[x*img.PixelPitch:][:img.PixelPitch]
		if !inside {
			clear(pixel[k*s.channels:][:s.channels])
		}
		if k == 0 {
			clear(pixel[img.Channels:])
		}
	}
}

// store copies a piece of an image of one slice to a slice of the volume.
func (s *sliceMover) store(volumes, src []float32, batch, slice, image, piece int) {
	plane := s.image.Height * s.image.Width
	src = src[image*s.image.ImagePitch:]
	at := (batch*s.channels*s.slices + slice) * plane
	if s.planar() {
		copy(volumes[at+piece*s.slices*plane:][:plane], src[piece*s.image.PlanePitch:])
		return
	}
	index, to, pixels := s.stretches.at(piece)
	move.Transpose(s.move, volumes[at+to:], src[index:], pixels, s.channels, s.slices*plane, s.image.PixelPitch)
}
