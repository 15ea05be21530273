package quant

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

// Slack is how many bytes behind an input kernels may read.
const Slack = 64

// Convolution is what Prepare plans: the Geometry's sum over bytes of the input,
// less their zero point, times Weights, which lie in ONNX's order and are less
// theirs, so that they take nine bits.
type Convolution struct {
	conv.Geometry
	Weights []int16
	ZeroIn  uint8
	Bias    []int32   // for each output channel, or nil
	Scale   []float32 // of a sum, for each output channel; nil: the output is the sums in int32
	Out     Bytes
}

// Plan is a convolution made ready for a machine. It is immutable and may be used
// by any number of sessions.
type Plan struct {
	Convolution
	funcs     *Funcs
	depthwise bool
	kernel    Kernel
	taps      []int64 // byte offsets
	steps     int     // of four k in a tap; in B as many as chunks hold
	packed    int
	panels    []panel // of a group
	weights   gemm.Block
	group     int        // bytes of a group's weights
	bias      gemm.Block // int32, padded for each group
	scale     gemm.Block // float32, likewise
	totals    []int32    // of the weights of each output channel
	padded    int        // columns of a group, rounded up to whole panels
	spans     []span     // tiles of an image
	flat      bool       // that the image's lines are one
}

// panel is columns of B.
type panel struct {
	first, columns, width int
	offset                int // bytes
}

// span is the place of a tile's rows in the output.
type span struct{ line, pixel, rows int }

// Prepare plans a convolution. A nil arena packs onto Go's heap.
func Prepare(arena *gemm.Arena, features cpu.Features, c Convolution) (*Plan, error) {
	g := &c.Geometry
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &Plan{Convolution: c, funcs: For(features)}
	if p.depthwise = g.Groups == g.In.Channels && g.Groups == g.Out.Channels && g.Groups > 1 && c.Scale != nil && g.In.PixelPitch%16 == 0; p.depthwise {
		p.prepareDepthwise(arena)
		return p, nil
	}
	channels := g.In.Channels / g.Groups
	place := p.cut(channels)
	p.kernel = choose(features, p.steps*stepBytes*len(p.taps))
	p.taps = slices.Repeat(p.taps, p.layers())
	p.packed = p.steps
	if p.kernel.family == amxint8 {
		chunks, size := chunksOf(p.steps)
		p.packed = chunks * size
	}
	p.pack(arena, channels, place)
	p.settleSums(arena)
	p.span()
	return p, nil
}

func (c *Convolution) check() error {
	g := &c.Geometry
	switch outs := g.Out.Channels; {
	case g.N < 1 || g.Groups < 1 || g.In.Channels%g.Groups != 0 || outs%g.Groups != 0 || g.In.PlanePitch != 1 || g.Out.PlanePitch != 1:
		return fmt.Errorf("quant: %d images of %d channels to %d in %d groups", g.N, g.In.Channels, outs, g.Groups)
	case g.Out.Height < 1 || g.Out.Width < 1 || g.KernelH < 1 || g.KernelW < 1:
		return fmt.Errorf("quant: kernel %dx%d to %dx%d", g.KernelH, g.KernelW, g.Out.Height, g.Out.Width)
	case g.In.PixelPitch%stepBytes != 0:
		return fmt.Errorf("quant: input pixels %d bytes apart", g.In.PixelPitch)
	case len(c.Weights) != outs*g.In.Channels/g.Groups*g.KernelH*g.KernelW:
		return fmt.Errorf("quant: %d weights", len(c.Weights))
	case c.Bias != nil && len(c.Bias) != outs, c.Scale != nil && len(c.Scale) != outs:
		return fmt.Errorf("quant: %d bias values and %d scales for %d channels", len(c.Bias), len(c.Scale), outs)
	case g.In.Channels/g.Groups*g.KernelH*g.KernelW > MostProducts:
		return fmt.Errorf("quant: more than %d products in a sum", MostProducts)
	}
	need := g.Halo()
	if h := g.In.Halo; need.Top > h.Top || need.Left > h.Left || need.Bottom > h.Bottom || need.Right > h.Right {
		return fmt.Errorf("quant: input has halo %+v, the window reaches %+v", h, need)
	}
	return nil
}

// cut divides the window into taps and sets their steps: a row of the window is one where its pixels are neighbours and belong to
// one group. It returns where in a tap the element (c, i, j) of the window lies.
func (p *Plan) cut(channels int) func(c, i, j int) (tap, k int) {
	g := &p.Geometry
	rows := g.DilationW == 1 && g.Groups == 1
	for i := range g.KernelH {
		for j := range g.KernelW {
			if j == 0 || !rows {
				p.taps = append(p.taps, int64(i*g.DilationH*g.In.RowPitch+j*g.DilationW*g.In.PixelPitch))
			}
		}
	}
	if !rows {
		p.steps = (channels + stepBytes - 1) / stepBytes
		return func(c, i, j int) (int, int) { return i*g.KernelW + j, c }
	}
	p.steps = ((g.KernelW-1)*g.In.PixelPitch + channels + stepBytes - 1) / stepBytes
	return func(c, i, j int) (int, int) { return i, j*g.In.PixelPitch + c }
}

// layers is how often the taps are run over, with a signed byte of each weight at a time, until these sum up to the weights.
func (p *Plan) layers() int {
	most := 1
	for _, w := range p.Weights {
		for layers, rest := 1, w-signedByte(w); rest != 0; rest -= signedByte(rest) {
			layers++
			most = max(most, layers)
		}
	}
	return most
}

// signedByte is the signed byte nearest to w.
func signedByte(w int16) int16 { return min(max(w, -128), 127) }

// pack lays the weights out panel by panel: tap by tap and step by step, four k of each column.
func (p *Plan) pack(arena *gemm.Arena, channels int, place func(c, i, j int) (tap, k int)) {
	g := &p.Geometry
	outs, size := g.Out.Channels/g.Groups, 1
	if p.kernel.family == words512 || p.kernel.family == words256 {
		size = 2
	}
	taps := len(p.taps)
	for first := 0; first < outs; {
		x := panel{first: first, width: p.kernel.NR, offset: p.group}
		if outs-first <= narrowPanel {
			x.width = narrowPanel
		}
		x.columns = min(x.width, outs-first)
		p.panels = append(p.panels, x)
		p.group += taps * p.packed * stepBytes * x.width * size
		p.padded += x.width
		first += x.width
	}
	p.weights = arena.Allocate(p.group * g.Groups)
	bytes, words := p.weights.Int8s(), p.weights.Words()
	window := g.KernelH * g.KernelW
	rows := taps / p.layers()
	for o := range g.Out.Channels {
		x := p.panels[(o%outs)/p.kernel.NR]
		base, column := o/outs*p.group+x.offset, o%outs-x.first
		for e := range channels * window {
			t, k := place(e/window, e%window/g.KernelW, e%g.KernelW)
			w := p.Weights[o*channels*window+e]
			for step := t*p.packed + k/stepBytes; w != 0; step += rows * p.packed {
				part := signedByte(w)
				w -= part
				if size == 1 {
					bytes[base+(step*x.width+column)*stepBytes+k%stepBytes] = int8(part)
				} else {
					words[base/2+(step*2+k%stepBytes/2)*x.width*2+column*2+k%2] = uint16(part)
				}
			}
		}
	}
}

// settleSums sets what sums begin with and the scales.
func (p *Plan) settleSums(arena *gemm.Arena) {
	columns := p.padded
	if !p.depthwise {
		columns *= p.Groups
	}
	p.bias = arena.Allocate(4 * columns)
	window := len(p.Weights) / p.Geometry.Out.Channels
	p.totals = make([]int32, p.Geometry.Out.Channels)
	for i, w := range p.Weights {
		p.totals[i/window] += int32(w)
	}
	p.beginnings(p.bias.Int32s(), p.ZeroIn)
	if p.Scale == nil {
		return
	}
	p.scale = arena.Allocate(4 * columns)
	for o, s := range p.Scale {
		p.scale.Floats()[p.column(o)] = s
	}
}

// column is where the bias and scale of an output channel lie.
func (p *Plan) column(o int) int {
	if p.depthwise {
		return o
	}
	outs := p.Geometry.Out.Channels / p.Groups
	return o/outs*p.padded + o%outs
}

// beginnings sets what sums begin with: the bias less the part of the input's zero point.
func (p *Plan) beginnings(dst []int32, zero uint8) {
	for o, total := range p.totals {
		b := -total * int32(zero)
		if p.Bias != nil {
			b += p.Bias[o]
		}
		dst[p.column(o)] = b
	}
}

// span cuts the output into tiles of few heights, the tallest first.
func (p *Plan) span() {
	g := &p.Geometry
	lines, pixels := g.Out.Height, g.Out.Width
	dense := func(m conv.Image) bool { return m.RowPitch == m.Width*m.PixelPitch }
	if p.flat = g.KernelH == 1 && g.KernelW == 1 && g.StrideH == 1 && g.StrideW == 1 && g.PadTop == 0 && g.PadLeft == 0 &&
		g.In.Height == g.Out.Height && g.In.Width == g.Out.Width && dense(g.In) && dense(g.Out); p.flat {
		lines, pixels = 1, lines*pixels
	}
	count := (pixels + p.kernel.MR - 1) / p.kernel.MR
	for line := range lines {
		for i := range count {
			from := i * pixels / count
			p.spans = append(p.spans, span{line, from, (i+1)*pixels/count - from})
		}
	}
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(b.rows, a.rows) })
}

// Class names the algorithm and its kernel: "conv avx512vnni_14x32 int8".
func (p *Plan) Class() string {
	if p.depthwise {
		return "depthwise " + p.funcs.Variant + " int8"
	}
	return "conv " + p.kernel.String()
}

// Bytes is the size of the packed weights.
func (p *Plan) Bytes() int { return p.weights.Len() }
