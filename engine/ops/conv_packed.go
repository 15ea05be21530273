package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// fusedConv is eiplan/Conv: Conv with constant weights and bias, to which a fourth input, the residual, is added, and whose results are clamped to
// the attributes lo and hi where they are given; the attribute function names what is then done to each of them, if anything: see CanFinish. A fifth input
// has a number for each channel of the first, by which that is multiplied: see ScalesConv.
func fusedConv() Op {
	return Op{Infer: inferFusedConv, Cost: costConv, Prepare: prepareFusedConv}
}

func inferFusedConv(n *graph.Node) error {
	if err := arity(n, 2, 5); err != nil {
		return err
	}
	d := n.Outputs[0].DType
	if err := inferConv(n); err != nil {
		return err
	}
	if r := n.In(3); r != nil && r.Static() && n.Outputs[0].Static() && !r.Shape.Equal(n.Outputs[0].Shape) {
		return fmt.Errorf("residual %s for output %s", r.Shape, n.Outputs[0].Shape)
	}
	if d == tensor.BFloat16 && n.In(0).DType == tensor.Float32 || d == tensor.Float32 && n.In(0).DType == tensor.BFloat16 {
		n.Outputs[0].DType = d // the precision pass has settled how it is stored
	}
	return nil
}

// packable reports whether a convolution can run on packed weights: they are constant, and there are one or two spatial dimensions.
func packable(n *graph.Node) bool {
	rank := len(n.In(0).Shape)
	return (rank == 3 || rank == 4) && packedOperands(n)
}

// packedOperands reports whether a convolution's weights are constant floats, and nothing of it is empty.
func packedOperands(n *graph.Node) bool {
	x, w := n.In(0), n.In(1)
	if !w.Known() || n.In(2) != nil && !n.In(2).Known() {
		return false
	}
	return x.Shape.Elements() > 0 && w.Shape.Elements() > 0 && n.Outputs[0].Shape.Elements() > 0 && w.DType == tensor.Float32
}

// prepareFusedConv runs on packed weights, or in plain loops where it can't.
func prepareFusedConv(n *graph.Node, t *Target) (Kernel, error) {
	if packable(n) {
		return packedConv(n, t)
	}
	if packableVolume(n) {
		return packedVolumeConv(n, t)
	}
	if n.Str("function", "") != "" {
		panic("ops: a function is fused into a convolution that no packed kernel runs")
	}
	return byFloat(plainFusedConv[float32], plainFusedConv[float64])(n, t)
}

// convGeometry is the shape of a node's convolution; the images are not placed yet.
func convGeometry(n *graph.Node) (conv.Geometry, error) {
	win, err := convWindow(n)
	if err != nil {
		return conv.Geometry{}, err
	}
	g, err := win.grid()
	if err != nil {
		return conv.Geometry{}, err
	}
	return conv.Geometry{
		N:       n.In(0).Shape[0],
		KernelH: g.kernel[1], KernelW: g.kernel[2],
		StrideH: g.stride[1], StrideW: g.stride[2],
		DilationH: g.dilation[1], DilationW: g.dilation[2],
		PadTop: g.begin[1], PadLeft: g.begin[2],
		Groups: n.Int("group", 1),
	}, nil
}

// placedGeometry is the shape of a node's convolution with its images in the Channels layout, whose halo is not settled yet.
func placedGeometry(n *graph.Node) (conv.Geometry, error) {
	g, err := convGeometry(n)
	if err != nil {
		return g, err
	}
	height, width := planeOf(n.In(0).Shape)
	g.In = conv.NewImage(height, width, n.In(0).Shape[1], channelLanes, conv.Halo{})
	height, width = planeOf(n.Outputs[0].Shape)
	g.Out = conv.NewImage(height, width, n.In(1).Shape[0], channelLanes, conv.Halo{})
	return g, nil
}

// staging brings a value of either layout to where a convolution wants it: in its own memory, or in scratch memory when it is dense. Few channels stay
// planes there, within a halo, and more go innermost.
type staging struct {
	image conv.Image
	value *graph.Value
	moved bool // through scratch memory
	plane bool // planes stay planes
	move  *move.Funcs
}

// elements is how many float32 elements of scratch memory it takes.
func (s *staging) elements() int {
	if !s.moved {
		return 0
	}
	return roundUp(s.image.Size(s.value.Shape[0]), 16)
}

// stagedInput places the input of a convolution that reaches a halo.
func stagedInput(v *graph.Value, halo conv.Halo, f *move.Funcs) staging {
	s := staging{value: v, move: f}
	height, width := planeOf(v.Shape)
	switch channels := v.Shape[1]; {
	case v.Layout.Channels:
		s.image = imageOf(v)
	case halo == conv.Halo{} && v.DType == tensor.Float32:
		s.image = planarOf(v)
	default:
		s.moved = true
		if s.image = conv.NewImage(height, width, channels, channelLanes, halo); channels < channelLanes {
			s.plane, s.image = true, conv.NewPlanar(height, width, channels, halo)
		}
	}
	return s
}

// stagedPlanes places a dense input as planes that reach a halo.
func stagedPlanes(v *graph.Value, halo conv.Halo, f *move.Funcs) staging {
	if halo == (conv.Halo{}) {
		return staging{value: v, move: f, image: planarOf(v)}
	}
	height, width := planeOf(v.Shape)
	return staging{value: v, move: f, moved: true, plane: true, image: conv.NewPlanar(height, width, v.Shape[1], halo)}
}

// stagedOutput places an output, or a residual.
func stagedOutput(v *graph.Value, f *move.Funcs) staging {
	if v.Layout.Channels {
		return staging{image: imageOf(v), value: v, move: f}
	}
	height, width := planeOf(v.Shape)
	return staging{image: conv.NewImage(height, width, v.Shape[1], channelLanes, conv.Halo{}), value: v, moved: true, move: f}
}

// buffer is the memory of the staged value in a run.
func (s *staging) buffer(slot *Slot, scratch []float32) conv.Buffer {
	if s.moved {
		return conv.Buffer{F32: scratch}
	}
	return bufferOf(slot.Tensor)
}

// load fills the scratch image with what a dense tensor holds.
func (s *staging) load(scratch []float32, t tensor.Tensor) {
	if !s.moved {
		return
	}
	src := tensor.Data[float32](t)
	elements := s.image.Height * s.image.Width * s.image.Channels
	for b := range s.value.Shape[0] {
		dst := scratch[b*s.image.ImagePitch:][:s.image.ImagePitch]
		if s.plane {
			loadPlanes(dst, s.image, src[b*elements:][:elements])
			continue
		}
		move.ClearAround(dst, moveImage(s.image))
		move.FromNCHW(s.move, dst, moveImage(s.image), src[b*elements:][:elements])
	}
}

// loadPlanes copies one image's planes into the middle of dst's, and clears their halos.
func loadPlanes(dst []float32, m conv.Image, src []float32) {
	end := 0
	for c := range m.Channels {
		for y := range m.Height {
			start := m.Index(0, c, y, 0)
			clear(dst[end:start])
			end = start + copy(dst[start:], src[:m.Width])
			src = src[m.Width:]
		}
	}
	clear(dst[end:])
}

// store empties the scratch image into a dense tensor.
func (s *staging) store(t tensor.Tensor, scratch []float32) {
	if !s.moved {
		return
	}
	dst := tensor.Data[float32](t)
	img := moveImage(s.image)
	plane := s.image.Height * s.image.Width * s.image.Channels
	for b := range s.value.Shape[0] {
		move.ToNCHW(s.move, dst[b*plane:][:plane], scratch[b*s.image.ImagePitch:][:s.image.ImagePitch], img)
	}
}

// betweenPlanes reports whether a packable convolution to few channels is best made between dense values: every channel that the Channels layout rounds
// them up to would cost as much as one that is there. An input of many channels, which may lie in that layout, must be worth the way back.
func betweenPlanes(n *graph.Node) bool {
	y, window := n.Outputs[0].Shape, n.In(1).Shape[2:].Elements()
	_, width := planeOf(y)
	few := conv.MostPlanes
	if n.In(0).Shape[1] >= channelLanes {
		few = conv.MostPlanes / 2
	}
	strides := n.Ints("strides")
	return y[1] <= few && width >= conv.LeastPlaneWidth && (window > 2 || few == conv.MostPlanes) && n.Int("group", 1) == 1 && n.In(3) == nil &&
		(len(strides) == 0 || strides[len(strides)-1] == 1) && n.Outputs[0].DType == tensor.Float32 && formatOf(n) == gemm.FP32
}

// packedConv convolves with weights packed here, between values of any layout.
func packedConv(n *graph.Node, t *Target) (Kernel, error) {
	g, err := convGeometry(n)
	if err != nil {
		return Kernel{}, err
	}
	f := move.For(t.Features)
	planes := !n.In(0).Layout.Channels && !n.Outputs[0].Layout.Channels && betweenPlanes(n)
	out := stagedOutput(n.Outputs[0], f)
	if planes {
		out = staging{value: n.Outputs[0], move: f, image: planarOf(n.Outputs[0])}
	}
	g.Out = out.image
	if averages(n) {
		if g.Out, err = averagedImage(n); err != nil {
			return Kernel{}, err
		}
	}
	g.In.Height, g.In.Width = planeOf(n.In(0).Shape)
	in := stagedInput(n.In(0), g.Halo(), f)
	if planes {
		in = stagedPlanes(n.In(0), g.Halo(), f)
	}
	g.In = in.image
	var residual *staging
	if r := n.In(3); r != nil {
		s := stagedOutput(r, f)
		residual, g.Residual = &s, s.image
	}
	e := gemm.Epilogue{Clamp: clampOf(n)}
	if b := n.In(2); b != nil {
		e.Bias = constant[float32](b)
	}
	var last conv.Buffer
	if !planes {
		upright(&g)
		last = biasLast(n, &g, &e)
	}
	plan, err := fastestOrScaled(n, t, g, e)
	if err != nil {
		return Kernel{}, err
	}
	if f := n.Str("function", ""); f != "" {
		plan = plan.Then(finishing(f, t))
	}
	if averages(n) {
		plan = plan.Average(max(t.Threads, 1), out.image, meanOf(g.Out.Height*g.Out.Width, t))
	}
	k := Kernel{Class: plan.Class(), Mixed: plan.Mixed(), Scratch: roundUp(plan.Scratch(), 64) + 4*(in.elements()+out.elements()), Packed: []int{1}}
	if residual != nil {
		k.Scratch += 4 * residual.elements()
		if !averages(n) {
			k.Over = []int{3}
		}
	}
	k.Bind = func(c *Call) func() error {
		own := roundUp(plan.Scratch(), 64)
		call := plan.Bind(c.Team.Size(), c.Scratch[:own])
		x, rest := scratchFloats(c.Scratch[own:], in.elements())
		y, rest := scratchFloats(rest, out.elements())
		if residual == nil {
			return func() error {
				in.load(x, c.In[0].Tensor)
				scaleBy(n, call, c)
				call.Run(c.Team, in.buffer(c.In[0], x), out.buffer(c.Out[0], y), last)
				out.store(c.Out[0].Tensor, y)
				return nil
			}
		}
		r, _ := scratchFloats(rest, residual.elements())
		return func() error {
			in.load(x, c.In[0].Tensor)
			residual.load(r, c.In[3].Tensor)
			scaleBy(n, call, c)
			call.Run(c.Team, in.buffer(c.In[0], x), out.buffer(c.Out[0], y), residual.buffer(c.In[3], r))
			out.store(c.Out[0].Tensor, y)
			return nil
		}
	}
	return k, nil
}

// biasLast lets a convolution without a residual add its bias as one that is the same for each pixel, and returns it: sums that begin at zero round less
// than those that begin at the bias. The residual of a product of 16-bit numbers has to be of its output's type, so those begin at the bias.
func biasLast(n *graph.Node, g *conv.Geometry, e *gemm.Epilogue) conv.Buffer {
	if n.In(3) != nil || e.Bias == nil || formatOf(n) != gemm.FP32 {
		return conv.Buffer{}
	}
	bias := e.Bias
	e.Bias = nil
	g.Residual = conv.Image{Height: g.Out.Height, Width: g.Out.Width, Channels: g.Out.Channels, PlanePitch: 1}
	return conv.Buffer{F32: bias}
}

// upright lays images of one pixel's width on their side, as kernels go along rows.
func upright(g *conv.Geometry) {
	column := func(m conv.Image) bool {
		return m.Width == 1 && m.Height > 1 && m.RowPitch == m.PixelPitch
	}
	if g.KernelW != 1 || g.PadLeft != 0 || !column(g.In) || !column(g.Out) || g.Residual != (conv.Image{}) && !column(g.Residual) {
		return
	}
	for _, m := range []*conv.Image{&g.In, &g.Out, &g.Residual} {
		m.Height, m.Width = m.Width, m.Height
		m.Halo = conv.Halo{Left: m.Halo.Top, Right: m.Halo.Bottom}
		if m.PlanePitch > m.PixelPitch {
			m.RowPitch = m.PlanePitch
		} else {
			m.RowPitch = m.ImagePitch
		}
	}
	g.KernelH, g.KernelW = 1, g.KernelH
	g.StrideH, g.StrideW = 1, g.StrideH
	g.DilationH, g.DilationW = 1, g.DilationH
	g.PadTop, g.PadLeft = 0, g.PadTop
}

// plainFusedConv is the plain convolution with the residual and the clamp after it.
func plainFusedConv[T real](n *graph.Node, t *Target) (Kernel, error) {
	k, err := plainConv[T](n, t)
	if err != nil {
		return Kernel{}, err
	}
	clamp := clampOf(n)
	bind := k.Bind
	k.Bind = func(c *Call) func() error {
		run := bind(c)
		return func() error {
			if err := run(); err != nil {
				return err
			}
			finish(tensor.Data[T](c.Out[0].Tensor), optional[T](c, 3), clamp)
			return nil
		}
	}
	return k, nil
}

// finish adds the residual, which may be nil, and clamps; NaN passes.
func finish[T real](y, residual []T, clamp gemm.Clamp) {
	for i, r := range residual {
		y[i] += r
	}
	lo, hi := T(clamp.Lo), T(clamp.Hi)
	for i, v := range y {
		if v < lo {
			y[i] = lo
		}
		if v > hi {
			y[i] = hi
		}
	}
}
