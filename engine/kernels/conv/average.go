package conv

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Mean sets y[c] to the mean of x[c], x[pitch+c], … for each c of y: F32 of
// binary32, BF16 of bfloat16.
type Mean struct {
	F32  func(y, x []float32, pitch int)
	BF16 func(y, x []uint16, pitch int)
}

// averagedPixels is how many pixels of an image may be averaged: a panel's columns
// of so many take as much as a common L1.
const averagedPixels = 256

// CanAverage reports whether plans of g can be made to Average: the window is one
// pixel, and of an image what a panel makes stays near, as do its inputs where they
// are split into parts.
func (g Geometry) CanAverage() bool {
	pixels := g.Out.Height * g.Out.Width
	return g.Groups == 1 && g.pointwise() && !g.Out.planar() && pixels <= averagedPixels && 3*2*pixels*gemm.PartsWidth(g.In.Channels) <= stageBytes
}

// Average returns a plan for at most so many workers that makes of each image one
// pixel, which to lays out: the mean of all pixels that p would make of it, p's
// function applied. p must be one that Prepare made of a geometry that CanAverage.
func (p *Plan) Average(workers int, to Image, mean Mean) *Plan {
	if !p.geometry.CanAverage() || p.direct == nil {
		panic("conv: averages of what has to be written")
	}
	d := p.direct.ontoStrips()
	strip, start := roundUp(4*d.g.Out.Height*d.g.Out.RowPitch, cacheLine), roundUp(p.scratch, cacheLine)
	with := *p
	with.geometry.Out, with.class, with.scratch = to, "averaged "+p.class, start+workers*strip
	with.direct, with.link = nil, nil
	most := workers
	with.bind = func(workers int, scratch []byte) runner {
		if workers > most {
			panic(fmt.Sprintf("conv: averages for %d threads bound for %d", most, workers))
		}
		c := &averagedCall{directCall: d.bind(workers, scratch).(*directCall), to: to, mean: mean, strips: unsafe.Pointer(&scratch[start])}
		c.strip = strip
		return c
	}
	return &with
}

// ontoStrips is d where each panel of each image is written to one place: pixels
// that follow each other, as wide as a panel.
func (d *direct) ontoStrips() *direct {
	own := *d
	width := d.groups[0].Kernel().NR
	out := &own.view.Out
	*out = NewImage(out.Height, out.Width, width, 1, Halo{})
	out.ImagePitch, out.PlanePitch = 0, 0
	own.g.Out = *out
	own.spans = slices.Clone(d.spans)
	for i := range own.spans {
		own.locate(&own.spans[i])
	}
	return &own
}

// averagedCall makes a panel of an image a unit, in a strip of the worker's own, and
// averages that.
type averagedCall struct {
	*directCall
	mean   Mean
	to     Image
	strips unsafe.Pointer
	result unsafe.Pointer // of this run
}

func (c *averagedCall) run(team *parallel.Team, m memory) {
	c.result, m.out = m.out, c.strips
	c.memory = m
	if c.staged == nil {
		team.Run(c.g.N*c.panels, c)
		return
	}
	for i := range c.staged.stages {
		c.split(team, &c.staged.stages[i])
		team.Run(c.panels, c)
	}
}

// Do averages one panel of an image.
func (c *averagedCall) Do(worker, i int) {
	panel, from := i%c.panels, c.first+i/c.panels*len(c.spans)
	c.multiply(worker, 0, panel, from, from+len(c.spans))
	strip, image := c.memory, c.g.Out
	strip.out = unsafe.Add(c.out, worker*c.strip)
	p := c.groups[0]
	image.Channels = min(image.PixelPitch, p.Columns()-p.First(panel))
	pixels := image.Height * image.Width
	if c.applies() {
		strip.apply(&image, 0, pixels)
	}
	elements, at := pixels*image.PixelPitch, c.to.Index(from/len(c.spans), p.First(panel), 0, 0)
	if c.outBytes == 2 {
		c.mean.BF16(unsafe.Slice((*uint16)(c.result), at+image.Channels)[at:], unsafe.Slice((*uint16)(strip.out), elements), image.PixelPitch)
		return
	}
	c.mean.F32(unsafe.Slice((*float32)(c.result), at+image.Channels)[at:], unsafe.Slice((*float32)(strip.out), elements), image.PixelPitch)
}
