package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// staging is how the input of a direct sum is split into bfloat16 parts: by
// stages, each of which splits what some tiles read, and then computes them while
// it is in the cache. A window of one pixel reads output pixels' inputs, one after
// the other; others read lines of the input, halo included, or where there is but
// one, which may be long, stretches of it.
type staging struct {
	pixels bool // not lines
	along  bool // stretches of a line
	stages []stage
	plane  int // bytes between parts
}

// stage is a range of tiles, all of one image, and what they read: pixels of the
// output, or lines of the input, or pixels of its one line, those of the halo below
// zero.
type stage struct {
	tile, tiles  int
	image        int
	first, count int
	skip         int // elements before the first in the view of all images
}

// The size of what a stage splits: a quarter of the L2 of processors with tiles,
// besides weights and outputs; more where the weights do not stay there, so that
// fewer stages fetch them.
const (
	stageBytes      = 512 << 10
	largeStageBytes = 1280 << 10
)

// fitsParts reports whether g can be computed by parts.
func (g Geometry) fitsParts(features cpu.Features, format gemm.Format) bool {
	_, ok := gemm.ChooseSplit(features, 1, 1)
	return ok && format == gemm.FP32 && g.Groups == 1 && !g.In.planar() && g.In.Channels%vectorLanes == 0
}

// partsPay reports whether that should be faster than the plain direct sum. Rows of
// tiles of lines whose pixels are half chunks would straddle cache lines.
func (g Geometry) partsPay(features cpu.Features) bool {
	pixels := g.N * g.Out.Height * g.Out.Width
	kernel := gemm.Choose(features, gemm.FP32, pixels, g.Out.Channels, g.In.Channels*g.KernelH*g.KernelW)
	return (g.pointwise() || g.In.Channels%(2*vectorLanes) == 0) && kernel.Splits() && g.partsView().lines().fill(kernel.Heights(1)[0])
}

// pointwise reports whether the window is one pixel.
func (g Geometry) pointwise() bool { return g.KernelH == 1 && g.KernelW == 1 }

// oneLine reports whether all outputs are of one line of the input.
func (g Geometry) oneLine() bool { return g.Out.Height == 1 && g.KernelH == 1 && g.PadTop == 0 }

// prepareParts is prepareDirectOf on an input in parts.
func prepareParts(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	kernel, ok := gemm.ChooseSplit(features, g.N*g.Out.Height*g.Out.Width, g.Out.Channels)
	if !ok {
		panic("conv: no kernel splits")
	}
	d := &direct{g: g, view: g.partsView(), staged: &staging{pixels: g.pointwise(), along: !g.pointwise() && g.oneLine()}}
	return d.prepare(kernel, kernel.Heights(1)[0], arena, format, weights, e)
}

// partsView is g as its tiles see it: on the input in parts.
func (g Geometry) partsView() Geometry {
	if g.pointwise() {
		g.StrideH, g.StrideW, g.PadTop, g.PadLeft = 1, 1, 0, 0
		g.In = NewImage(g.Out.Height, g.Out.Width, g.In.Channels, 2*vectorLanes, Halo{})
	} else {
		g.In = NewImage(g.In.Height, g.In.Width, g.In.Channels, vectorLanes, g.In.Halo)
	}
	return g
}

// stage cuts d's tiles into stages and returns the bytes that one needs.
func (d *direct) stage(rows int) int {
	s, in := d.staged, &d.view.In
	lines, unit := !s.pixels && !s.along, 2*in.PixelPitch
	if lines {
		unit = 2 * in.RowPitch
	}
	limit := stageBytes / (3 * unit)
	if d.groups[0].Bytes() > residentWeights {
		limit = largeStageBytes / (3 * unit)
	}
	if lines { // long ones too are split once for all tiles of an output line
		limit = max(limit, (d.g.KernelH-1)*d.g.DilationH+1)
	}
	if d.across && lines && in.Height+in.Halo.Top+in.Halo.Bottom > limit {
		d.spans, d.across = d.lines.cut(rows), false
	}
	most, overshoot := 0, d.view.StrideW*in.PixelPitch*2*d.groups[0].Kernel().Overshoot()
	for n := range d.g.N {
		var now stage
		for i := range d.spans {
			first, end := d.reads(&d.spans[i])
			low, high := min(now.first, first), max(now.first+now.count, end)
			if now.tiles == 0 || high-low > limit && !(d.across && lines) {
				s.add(now)
				now = stage{tile: n*len(d.spans) + i, image: n}
				low, high = first, end
			}
			now.first, now.count = low, high-low
			now.tiles++
			most = max(most, now.count)
			now.skip = in.Index(n, 0, 0, 0) + now.first*unit/2
			if lines {
				now.skip -= in.Halo.Left * in.PixelPitch
			}
		}
		s.add(now)
	}
	s.plane = (most*unit+cacheLine-1)&^(cacheLine-1) | cacheLine
	if s.plane < most*unit+cacheLine {
		s.plane += 2 * cacheLine
	}
	return 3*s.plane + overshoot
}

func (s *staging) add(x stage) {
	if x.tiles > 0 {
		s.stages = append(s.stages, x)
	}
}

// reads is the range of pixels or lines that a tile reads.
func (d *direct) reads(x *span) (first, end int) {
	g := &d.view
	if d.staged.pixels {
		first = x.line*d.lines.pixels + x.pixel
		return first, first + x.rows
	}
	if d.staged.along {
		first = x.pixel*g.StrideW - g.PadLeft
		return first, first + (x.rows-1)*g.StrideW + (g.KernelW-1)*g.DilationW + 1
	}
	pitch := g.Out.Width // of lines that follow each other as one
	if d.lines.count > 1 {
		pitch += max(0, d.lines.gap)
	}
	line, last := x.line+x.pixel/pitch, x.line+(x.pixel+x.rows-1)/pitch
	return line*g.StrideH - g.PadTop, last*g.StrideH - g.PadTop + (g.KernelH-1)*g.DilationH + 1
}

// splitTask is how many pixels a worker splits at a time.
const splitTask = 16

// split splits what a stage reads, and makes it the present one.
func (c *directCall) split(team *parallel.Team, s *stage) {
	c.stage, c.first, c.count = s, s.tile, s.tiles
	if c.staged.pixels {
		c.part = (*directCall).splitPixels
		team.Run(ceilDiv(s.count, splitTask), c)
		return
	}
	unit := c.view.In.RowPitch
	if c.staged.along {
		unit = c.view.In.PixelPitch
	}
	end := s.count * 2 * unit
	for part := range 3 { // tiles read on after the last line
		clear(unsafe.Slice((*byte)(unsafe.Add(c.parts.At, part*c.parts.Plane+end)), cacheLine))
	}
	if c.staged.along {
		c.part = (*directCall).splitStretch
		team.Run(ceilDiv(s.count, splitTask), c)
		return
	}
	c.part = (*directCall).splitLine
	team.Run(s.count, c)
}

// splitLine splits line i of the stage.
func (c *directCall) splitLine(_, i int) {
	from, to := &c.g.In, &c.view.In
	c.splitRun(i*to.RowPitch*2, from.Index(c.stage.image, 0, c.stage.first+i, -from.Halo.Left), to.RowPitch/to.PixelPitch)
}

// splitStretch splits a few pixels of the stage's line.
func (c *directCall) splitStretch(_, task int) {
	first := task * splitTask
	index := c.g.In.Index(c.stage.image, 0, 0, c.stage.first+first)
	c.splitRun(first*c.view.In.PixelPitch*2, index, min(splitTask, c.stage.count-first))
}

// splitRun splits pixels that lie side by side from an element of the input on, to
// an offset of the parts.
func (c *directCall) splitRun(at, first, pixels int) {
	from, to := &c.g.In, &c.view.In
	if from.PixelPitch == to.PixelPitch {
		c.parts.Put(at, unsafe.Add(c.in, 4*first), pixels*to.PixelPitch, pixels*to.PixelPitch)
		return
	}
	for range pixels {
		c.parts.Put(at, unsafe.Add(c.in, 4*first), from.Channels, from.Channels)
		first += from.PixelPitch
		at += 2 * to.PixelPitch
	}
}

// splitPixels splits a few output pixels' inputs, as many at once as follow each
// other.
func (c *directCall) splitPixels(_, task int) {
	g, to := &c.g, &c.view.In
	end := min((task+1)*splitTask, c.stage.count)
	for i := task * splitTask; i < end; {
		y, x := (c.stage.first+i)/g.Out.Width, (c.stage.first+i)%g.Out.Width
		n := 1
		if g.StrideW == 1 && g.In.PixelPitch == to.PixelPitch && g.In.Channels == to.PixelPitch {
			n = min(end-i, g.Out.Width-x)
		}
		src := unsafe.Add(c.in, 4*g.In.Index(c.stage.image, 0, y*g.StrideH-g.PadTop, x*g.StrideW-g.PadLeft))
		c.parts.Put(i*2*to.PixelPitch, src, (n-1)*to.PixelPitch+g.In.Channels, n*to.PixelPitch)
		i += n
	}
}
