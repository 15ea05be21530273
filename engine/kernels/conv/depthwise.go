package conv

import (
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// WindowKernel is one row of the table of depthwise kernels: vectors of Lanes
// channels. Rows describe every architecture's kernels on every architecture.
type WindowKernel struct {
	ISA    string
	Needs  cpu.Features
	Lanes  int
	Mixed  bool // images are bfloat16
	family windowFamily
}

type windowFamily uint8

const (
	windowGo windowFamily = iota
	windowAVX512
	windowAVX2
	windowNEON
)

// WindowKernels returns the table, preferred rows first.
func WindowKernels() []WindowKernel { return slices.Clone(windowKernels[:]) }

var windowKernels = [...]WindowKernel{
	{"avx512", cpu.AVX512, 16, false, windowAVX512},
	{"avx2", cpu.AVX2 | cpu.FMA, 8, false, windowAVX2},
	{"neon", cpu.NEON, 4, false, windowNEON},
	{"generic", 0, 16, false, windowGo},
	{"avx512bf16", cpu.AVX512 | cpu.AVX512BF16, 16, true, windowAVX512},
	{"generic", 0, 16, true, windowGo},
}

// String names the kernel as Plan.Class does: "depthwise avx512 fp32".
func (k WindowKernel) String() string {
	if k.Mixed {
		return "depthwise " + k.ISA + " bf16"
	}
	return "depthwise " + k.ISA + " fp32"
}

// Runnable reports whether a processor with these features, running a program
// built with its assembly, can execute the kernel.
func (k WindowKernel) Runnable(features cpu.Features) bool {
	return features.Has(k.Needs) && (k.family == windowGo || compiled)
}

// shapes of window that have kernels of their own, in the generator's order.
const (
	anyWindow = iota
	window3x3s1
	window3x3s2
	window5x5s1
	window5x5s2
)

// special is the index of the kernel for g's window.
func (g Geometry) special() int {
	if g.DilationW != 1 || g.KernelH != g.KernelW || g.StrideW > 2 {
		return anyWindow
	}
	switch g.KernelW {
	case 3:
		return window3x3s1 + g.StrideW - 1
	case 5:
		return window5x5s1 + g.StrideW - 1
	}
	return anyWindow
}

// depthwise convolves each channel with a window of its own.
type depthwise struct {
	g       Geometry
	kernel  WindowKernel
	clamp   gemm.Clamp
	weights gemm.Block // [channels/lanes][taps][lanes]
	bias    gemm.Block // padded to whole vectors
	taps    []int64    // byte offsets
}

// fitsDepthwise wants whole vectors to be readable wherever a channel is.
func fitsDepthwise(_ cpu.Features, _ gemm.Format, g Geometry) bool {
	return g.Groups == g.In.Channels && g.Groups == g.Out.Channels && !g.In.planar() &&
		g.In.Origin%16 == 0 && g.In.PixelPitch%16 == 0
}

func prepareDepthwise(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	if format == gemm.FP16 {
		format = gemm.FP32
	}
	d := &depthwise{g: g, clamp: e.Clamp}
	for _, k := range windowKernels {
		if k.Mixed == (format == gemm.BF16) && k.Runnable(features) {
			d.kernel = k
			break
		}
	}
	lanes, taps := d.kernel.Lanes, g.KernelH*g.KernelW
	padded := roundUp(g.Groups, lanes)
	d.weights = arena.Allocate(padded * taps * 4)
	d.bias = arena.Allocate(padded * 4)
	copy(d.bias.Floats(), e.Bias)
	packed := d.weights.Floats()
	for c := range g.Groups {
		for t := range taps {
			packed[(c/lanes*taps+t)*lanes+c%lanes] = weights[c*taps+t]
		}
	}
	size := elementSize(d.kernel.Mixed)
	for i := range g.KernelH {
		for j := range g.KernelW {
			d.taps = append(d.taps, int64((i*g.DilationH*g.In.RowPitch+j*g.DilationW*g.In.PixelPitch)*size))
		}
	}
	return &Plan{geometry: g, class: d.kernel.String(), format: format, bytes: d.weights.Len() + d.bias.Len(), bind: d.bind, link: d.link}
}

// depthwiseCall is depthwise's work for one session. A unit is a row of output.
type depthwiseCall struct {
	*depthwise
	memory
	routine func(*Window)
	piece   int // outputs of a row that are computed together
	work    []Window
}

// Where a function follows, a piece has so much output that it finds it in the nearest cache; shorter ones would spend more on loading weights.
const (
	pieceBytes = 8 << 10
	leastPiece = 16
)

func (d *depthwise) bind(workers int, _ []byte) runner {
	return &depthwiseCall{depthwise: d, work: make([]Window, workers)}
}

func (c *depthwiseCall) run(team *parallel.Team, m memory) {
	c.begin(m)
	team.Run(c.g.N*c.g.Out.Height, c)
}

// begin settles what depends on the memory.
func (c *depthwiseCall) begin(m memory) {
	c.memory = m
	c.routine = c.kernel.routine(m.inBytes == 2, m.outBytes == 2, c.g.special())
	c.piece = c.g.Out.Width
	if m.applies() {
		c.piece = max(pieceBytes/(c.g.Out.PixelPitch*m.outBytes)&^3, leastPiece)
	}
}

// Do computes one row, a piece at a time.
func (c *depthwiseCall) Do(worker, i int) {
	n, y := i/c.g.Out.Height, i%c.g.Out.Height
	for x := 0; x < c.g.Out.Width; x += c.piece {
		c.compute(&c.work[worker], n, y, x, min(c.piece, c.g.Out.Width-x))
	}
}

// compute computes neighbouring outputs of row y of image n, from x on.
func (c *depthwiseCall) compute(w *Window, n, y, x, count int) {
	g := &c.g
	*w = Window{
		In:       unsafe.Add(c.in, g.In.Index(n, 0, y*g.StrideH-g.PadTop, x*g.StrideW-g.PadLeft)*c.inBytes),
		Weights:  c.weights.Pointer(),
		Bias:     c.bias.Pointer(),
		Out:      unsafe.Add(c.out, g.Out.Index(n, 0, y, x)*c.outBytes),
		Tap:      &c.taps[0],
		Taps:     len(c.taps),
		Next:     g.StrideW * g.In.PixelPitch * c.inBytes,
		PixelOut: g.Out.PixelPitch * c.outBytes,
		PixelRes: g.Residual.PixelPitch * c.outBytes,
		Count:    count,
		Groups:   (g.Groups + c.kernel.Lanes - 1) / c.kernel.Lanes,
		Lo:       c.clamp.Lo,
		Hi:       c.clamp.Hi,
		Pixel:    g.In.PixelPitch * c.inBytes,
		Row:      g.DilationH * g.In.RowPitch * c.inBytes,
		lanes:    c.kernel.Lanes,
		inBF:     c.inBytes == 2,
		outBF:    c.outBytes == 2,
	}
	w.Cols = g.Groups - (w.Groups-1)*w.lanes
	if c.residual != nil {
		w.Residual = unsafe.Add(c.residual, g.Residual.Index(n, 0, y, x)*c.outBytes)
	}
	w.moving = [5]uintptr{uintptr(w.In), uintptr(w.Weights), uintptr(w.Bias), uintptr(w.Out), uintptr(w.Residual)}
	c.routine(w)
	if c.applies() {
		c.apply(&g.Out, g.Out.Index(n, 0, y, x), count)
	}
}

// routine is the compiled kernel for the given types and window.
func (k WindowKernel) routine(inBF, outBF bool, window int) func(*Window) {
	if k.family == windowGo {
		return windowReference
	}
	return compiledWindow(k.family, inBF, outBF, window)
}
