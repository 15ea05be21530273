package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

// directLink is a direct sum by lines. Its tiles are those of lines, even where
// lines follow each other.
type directLink struct {
	directCall
}

func (d *direct) link() link {
	own := *d
	own.lines = lines{count: d.g.Out.Height, pixels: d.g.Out.Width, gap: -1}
	own.spans, own.across = own.lines.cut(d.groups[0].Kernel().MR), false
	for i := range own.spans {
		own.locate(&own.spans[i])
	}
	return &directLink{*own.bind(1, nil).(*directCall)}
}

func (l *directLink) place(in, out Image) {
	l.g.In, l.g.Out, l.view.In, l.view.Out = in, out, in, out
}

// lines computes as many tiles at a time as a function finds in the nearest cache.
func (l *directLink) lines(m memory, n, from, to int) {
	l.memory = m
	perLine := len(l.spans) / l.g.Out.Height
	tile, end := n*len(l.spans)+from*perLine, n*len(l.spans)+to*perLine
	l.first, l.count = tile, end-tile
	if !l.applies() {
		l.allPanels(0, tile, end)
		return
	}
	count := max(2*pieceBytes/(l.spans[0].rows*l.g.Out.PixelPitch*l.outBytes), 1)
	for ; tile < end; tile += count {
		last := min(tile+count, end)
		l.allPanels(0, tile, last)
		l.directCall.finish(tile, last)
	}
}

// depthwiseLink is a depthwise convolution by lines.
type depthwiseLink struct {
	depthwiseCall
}

func (d *depthwise) link() link {
	own := *d
	return &depthwiseLink{*own.bind(1, nil).(*depthwiseCall)}
}

func (l *depthwiseLink) place(in, out Image) { l.g.In, l.g.Out = in, out }

func (l *depthwiseLink) lines(m memory, n, from, to int) {
	l.begin(m)
	for y := from; y < to; y++ {
		l.Do(0, n*l.g.Out.Height+y)
	}
}

// Lines makes lines [from, to) of image n of out, in y, of those of in, in x.
type Lines func(y Buffer, out Image, x Buffer, in Image, n, from, to int)

// PlanLines is a plan for Chain alone, of what is no convolution but has windows
// like one. Lines is called by several workers at once.
func PlanLines(class string, format gemm.Format, g Geometry, lines Lines) *Plan {
	return &Plan{geometry: g, class: class, format: format, link: func() link { return &linesLink{compute: lines, g: g} }}
}

// linesLink runs a Lines.
type linesLink struct {
	compute Lines
	g       Geometry
}

func (l *linesLink) place(in, out Image) { l.g.In, l.g.Out = in, out }

func (l *linesLink) lines(m memory, n, from, to int) {
	g := &l.g
	last := min((to-1)*g.StrideH-g.PadTop+(g.KernelH-1)*g.DilationH, g.In.Height-1)
	l.compute(m.buffer(m.out, m.outBytes, g.Out.before(n, to)), g.Out, m.buffer(m.in, m.inBytes, g.In.before(n, last+1)), g.In, n, from, to)
}

// before is the number of elements before line y of image n.
func (m Image) before(n, y int) int {
	return m.Origin - m.Halo.Left*m.PixelPitch + n*m.ImagePitch + y*m.RowPitch
}

// buffer is so many elements at p.
func (m *memory) buffer(p unsafe.Pointer, bytes, elements int) Buffer {
	if bytes == 2 {
		return Buffer{BF16: unsafe.Slice((*uint16)(p), elements)}
	}
	return Buffer{F32: unsafe.Slice((*float32)(p), elements)}
}
