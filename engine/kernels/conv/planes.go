package conv

import (
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// planes convolves images with channels outermost to few channels: vectors run
// along rows, so that no lane is lost on channels that are not there.
type planes struct {
	g        Geometry
	kernel   WindowKernel
	clamp    gemm.Clamp
	outs     int        // channels that the kernels compute, those of zero weights included
	weights  gemm.Block // [taps][outs]
	bias     []float32  // outs
	taps     []int64    // byte offsets from the window's first element
	routine  func(*Strip)
	tile     int // pixels
	starts   []int
	segments int // of a row, where rows are few
}

// MostPlanes is the largest number of output channels, and LeastPlaneWidth the
// smallest width of an output, that a convolution between planes may have.
const (
	MostPlanes      = 8
	LeastPlaneWidth = 16
)

// betweenPlanes reports whether both images have channels outermost.
func (g Geometry) betweenPlanes() bool { return g.In.planar() && g.Out.planar() }

// takesPlanes reports whether g, which is between planes, has a kernel.
func (g Geometry) takesPlanes() bool {
	return g.Groups == 1 && g.StrideW == 1 && g.In.PixelPitch == 1 && g.Out.PixelPitch == 1 && g.Out.Channels <= MostPlanes && g.Out.Width >= LeastPlaneWidth && !g.hasResidual()
}

// stripOutputs are the numbers of output channels that kernels compute at once,
// in the generator's order.
var stripOutputs = [...]int{1, 2, 4, 8}

func preparePlanes(arena *gemm.Arena, features cpu.Features, _ gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	p := &planes{g: g, clamp: e.Clamp}
	for _, k := range windowKernels {
		if !k.Mixed && k.Runnable(features) {
			p.kernel = k
			break
		}
	}
	size := slices.IndexFunc(stripOutputs[:], func(n int) bool { return n >= g.Out.Channels })
	p.outs = stripOutputs[size]
	p.bias = make([]float32, p.outs)
	copy(p.bias, e.Bias)
	window := g.KernelH * g.KernelW
	count := g.In.Channels * window
	p.weights = arena.Allocate(count * p.outs * 4)
	packed := p.weights.Floats()
	for o := range g.Out.Channels {
		for t := range count {
			packed[t*p.outs+o] = weights[o*count+t]
		}
	}
	for c := range g.In.Channels {
		for i := range g.KernelH {
			for j := range g.KernelW {
				p.taps = append(p.taps, 4*int64(c*g.In.PlanePitch+i*g.DilationH*g.In.RowPitch+j*g.DilationW))
			}
		}
	}
	routines := []func(*Strip){stripReference}
	if p.kernel.family != windowGo {
		routines = compiledStrips(p.kernel.family)[size]
	}
	vectors := p.cut(len(routines))
	p.routine = routines[vectors-1]
	return &Plan{geometry: g, class: "planes " + p.kernel.ISA + " fp32", format: gemm.FP32, bytes: p.weights.Len(), bind: p.bind}
}

// cut divides a row into equal tiles of at most so many vectors, and returns how
// many they have. The last tile ends with the row, over the one before it.
func (p *planes) cut(most int) int {
	width, lanes := p.g.Out.Width, p.kernel.Lanes
	all := ceilDiv(width, lanes)
	parts := ceilDiv(all, most)
	if parts == 1 && width%lanes != 0 {
		parts = 2
	}
	vectors := ceilDiv(all, parts)
	p.tile = vectors * lanes
	for x := 0; x < width; x += p.tile {
		p.starts = append(p.starts, min(x, width-p.tile))
	}
	p.segments = 1
	if rows := p.g.N * p.g.Out.Height; rows < fewRows {
		p.segments = max(min(len(p.starts)/2, fewRows), 1) // the last tile goes with the one that it lies over
	}
	return vectors
}

// fewRows is the number of rows below which each is shared by several workers.
const fewRows = 16

// Strip is the argument of one call of a kernel of planes, which computes Count
// tiles of neighbouring pixels, of some output channels each:
//
//	Out[o·Plane + x] = clamp(Bias[o] + Σ over t of In[Tap[t] + x] · Weights[t][o])
//
// Tap and Plane are in bytes. The generator in _asm/conv knows the layout.
type Strip struct {
	In      unsafe.Pointer
	Weights unsafe.Pointer
	Bias    *float32
	Out     unsafe.Pointer
	Tap     *int64
	Taps    int
	Plane   int
	Count   int
	Lo, Hi  float32
	Outs    int // channels of Out; weights are padded to the kernel's own number

	outs, pixels int            // the reference's only
	_            [192 - 96]byte // a worker's strip shares no cache line with another's
}

// planesCall is planes' work for one session. A unit is a row of output, or a
// segment of one, in all planes.
type planesCall struct {
	*planes
	memory
	work []Strip
}

func (p *planes) bind(workers int, _ []byte) runner {
	return &planesCall{planes: p, work: make([]Strip, workers)}
}

func (c *planesCall) run(team *parallel.Team, m memory) {
	c.memory = m
	team.Run(c.g.N*c.g.Out.Height*c.segments, c)
}

// Do computes one row, or a segment.
func (c *planesCall) Do(worker, i int) {
	segment, i := i%c.segments, i/c.segments
	n, y := i/c.g.Out.Height, i%c.g.Out.Height
	from, to := segment*len(c.starts)/c.segments, (segment+1)*len(c.starts)/c.segments
	last := to - 1
	if last > from {
		c.compute(&c.work[worker], n, y, c.starts[from], last-from)
	}
	c.compute(&c.work[worker], n, y, c.starts[last], 1)
	if c.applies() {
		begin, end := from*c.tile, c.starts[last]+c.tile
		if segment < c.segments-1 {
			end = to * c.tile
		}
		for o := range c.g.Out.Channels {
			c.function.F32(unsafe.Slice((*float32)(unsafe.Add(c.out, 4*c.g.Out.Index(n, o, y, begin))), end-begin))
		}
	}
}

// compute computes so many tiles of row y of image n, from x on.
func (c *planesCall) compute(s *Strip, n, y, x, count int) {
	g := &c.g
	*s = Strip{
		In:      unsafe.Add(c.in, 4*g.In.Index(n, 0, y*g.StrideH-g.PadTop, x-g.PadLeft)),
		Weights: c.weights.Pointer(),
		Bias:    &c.bias[0],
		Out:     unsafe.Add(c.out, 4*g.Out.Index(n, 0, y, x)),
		Tap:     &c.taps[0],
		Taps:    len(c.taps),
		Plane:   4 * g.Out.PlanePitch,
		Count:   count,
		Lo:      c.clamp.Lo,
		Hi:      c.clamp.Hi,
		Outs:    c.g.Out.Channels,
		outs:    c.outs,
		pixels:  c.tile,
	}
	c.routine(s)
}

// stripReference is the loop of Strip's comment in Go.
func stripReference(s *Strip) {
	taps := unsafe.Slice(s.Tap, s.Taps)
	weights := unsafe.Slice((*float32)(s.Weights), s.Taps*s.outs)
	bias := unsafe.Slice(s.Bias, s.outs)
	for x := range s.Count * s.pixels {
		for o := range s.Outs {
			sum := float32(0)
			for t, tap := range taps {
				sum += element(s.In, 4*x+int(tap), false) * weights[t*s.outs+o]
			}
			*(*float32)(unsafe.Add(s.Out, o*s.Plane+4*x)) = clamp(sum+bias[o], s.Lo, s.Hi)
		}
	}
}
