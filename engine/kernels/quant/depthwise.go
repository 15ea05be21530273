package quant

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

// prepareDepthwise packs a window of its own for each channel.
func (p *Plan) prepareDepthwise(arena *gemm.Arena) {
	g := &p.Geometry
	lanes, window := p.funcs.lanes, g.KernelH*g.KernelW
	p.padded = (g.Groups + lanes - 1) / lanes * lanes
	p.weights = arena.Allocate(4 * p.padded * window)
	packed := p.weights.Int32s()
	for c := range g.Groups {
		for t := range window {
			packed[(c/lanes*window+t)*lanes+c%lanes] = int32(uint16(p.Weights[c*window+t])) // the upper factor of the pair is zero
		}
	}
	for i := range g.KernelH {
		for j := range g.KernelW {
			p.taps = append(p.taps, int64(i*g.DilationH*g.In.RowPitch+j*g.DilationW*g.In.PixelPitch))
		}
	}
	p.settleSums(arena)
}

// row computes one row of the output of a depthwise convolution.
func (c *Call) row(w *worker, i int) {
	p := c.plan
	g := &p.Geometry
	n, y := i/g.Out.Height, i%g.Out.Height
	lo, hi, zero := p.Out.bounds()
	w.window = Window{
		In:       unsafe.Add(c.in, g.In.Index(n, 0, y*g.StrideH-g.PadTop, -g.PadLeft)),
		Weights:  p.weights.Pointer(),
		Bias:     c.bias,
		Scale:    p.scale.Pointer(),
		Out:      unsafe.Add(c.out, g.Out.Index(n, 0, y, 0)),
		Tap:      &p.taps[0],
		Taps:     len(p.taps),
		Next:     g.StrideW * g.In.PixelPitch,
		PixelOut: g.Out.PixelPitch,
		Count:    g.Out.Width,
		Groups:   p.padded / p.funcs.lanes,
		Cols:     g.Groups,
		Lo:       lo, Hi: hi, Zero: zero,
	}
	p.funcs.window(&w.window)
}
