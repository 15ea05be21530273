// Package conv convolves images held channels innermost in memory with a halo
// of zeros around them, by treating each tap of the window as one step of a
// matrix product over package gemm's tiles, and depthwise and 3×3 windows by
// kernels of their own. It knows nothing of tensors, graphs or operators.
//
// # Use
//
//	g := conv.Geometry{N: 1, In: in, Out: out, KernelH: 3, KernelW: 3, …}
//	plan, err := conv.Prepare(arena, features, gemm.FP32, g, weights, epilogue)
//	call := plan.Bind(threads, nil)
//	call.Run(team, conv.Buffer{F32: x}, conv.Buffer{F32: y}, conv.Buffer{})
//
// A Plan holds the packed weights and is shared by sessions; a Call belongs to
// one. Run allocates nothing. A convolution over one dimension has height 1.
// PrepareTransposed makes plans of transposed convolutions, which run alike.
// PrepareScaled multiplies each input channel by a number of the run, Plan.Average
// keeps no more of each channel than its mean. Chain joins plans that follow each
// other, PlanLines those of pools among them, into one that runs them a few lines
// at a time, so that what is between them stays in cache.
//
// # Memory
//
// The input image's halo must cover what the window reaches: Geometry.Halo says
// how much that is, and which more a faster algorithm would like. The halo must
// hold zeros; no kernel writes one. Channels between Channels and PixelPitch
// are not read as values and not written, so an image may be a slice of the
// channels of another. Input and output must not overlap.
package conv

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
)

// Halo is how many pixels of zeros lie on each side of an image.
type Halo struct {
	Top, Left, Bottom, Right int
}

// Image places Height × Width pixels of Channels elements in a slice: channel c
// of pixel (y, x) of image n is element
//
//	Origin + n·ImagePitch + y·RowPitch + x·PixelPitch + c·PlanePitch
//
// NewImage makes one with channels innermost, NewPlanar with channels outermost.
type Image struct {
	Height, Width, Channels                      int
	PixelPitch, RowPitch, PlanePitch, ImagePitch int
	Origin                                       int
	Halo                                         Halo
}

// NewImage lays an image out with channels innermost, each pixel padded to a
// multiple of lanes elements; the kernels read fastest with lanes 16, or with 1
// and few channels.
func NewImage(height, width, channels, lanes int, h Halo) Image {
	pixel := (channels + lanes - 1) / lanes * lanes
	row := (h.Left + width + h.Right) * pixel
	return Image{
		Height: height, Width: width, Channels: channels,
		PixelPitch: pixel, RowPitch: row, PlanePitch: 1, ImagePitch: (h.Top + height + h.Bottom) * row,
		Origin: h.Top*row + h.Left*pixel, Halo: h,
	}
}

// NewPlanar lays an image out channel by channel, a halo around each.
func NewPlanar(height, width, channels int, h Halo) Image {
	row := h.Left + width + h.Right
	plane := (h.Top + height + h.Bottom) * row
	return Image{
		Height: height, Width: width, Channels: channels,
		PixelPitch: 1, RowPitch: row, PlanePitch: plane, ImagePitch: channels * plane,
		Origin: h.Top*row + h.Left, Halo: h,
	}
}

// Slice is the image of count channels of m from first on.
func (m Image) Slice(first, count int) Image {
	m.Origin += first * m.PlanePitch
	m.Channels = count
	return m
}

// Index is the element of channel c of pixel (y, x) of image n; pixels of the
// halo have coordinates below zero or past the end.
func (m Image) Index(n, c, y, x int) int {
	return m.Origin + n*m.ImagePitch + y*m.RowPitch + x*m.PixelPitch + c*m.PlanePitch
}

// Size is the number of elements that n images take, halo and padding included.
func (m Image) Size(n int) int { return n * m.ImagePitch }

// planar reports whether channels are not innermost.
func (m Image) planar() bool { return m.PlanePitch != 1 }

// dense reports whether pixels of successive rows follow each other evenly.
func (m Image) dense() bool { return m.RowPitch == m.Width*m.PixelPitch }

// Geometry is the shape of a convolution:
//
//	Out[n][o][y][x] = Σ over c, i, j of W[o][c][i][j] · In[n][c'][y·StrideH − PadTop + i·DilationH][x·StrideW − PadLeft + j·DilationW]
//
// with c over the input channels of o's group. Bottom and right padding follow
// from the size of Out.
type Geometry struct {
	N                    int
	In, Out              Image
	Residual             Image // where a residual lies; the zero Image if Run gets none
	KernelH, KernelW     int
	StrideH, StrideW     int
	DilationH, DilationW int
	PadTop, PadLeft      int
	Groups               int
}

// Halo is the halo of zeros that In needs for the window.
func (g Geometry) Halo() Halo { return g.reach(g.Out.Height, g.Out.Width) }

// WinogradHalo is the halo that In needs for the fast 3×3 algorithm as well; it
// is Halo where that does not apply.
func (g Geometry) WinogradHalo() Halo {
	s := g.group(0).scheme()
	if s == nil {
		return g.Halo()
	}
	return g.haloOf(s)
}

// reach is the halo that outputs of the given size read.
func (g Geometry) reach(height, width int) Halo {
	return Halo{
		Top:    max(0, g.PadTop),
		Left:   max(0, g.PadLeft),
		Bottom: max(0, (height-1)*g.StrideH+(g.KernelH-1)*g.DilationH-g.PadTop-(g.In.Height-1)),
		Right:  max(0, (width-1)*g.StrideW+(g.KernelW-1)*g.DilationW-g.PadLeft-(g.In.Width-1)),
	}
}

// within reports whether a halo is no wider than have on any side.
func (h Halo) within(have Halo) bool {
	return h.Top <= have.Top && h.Left <= have.Left && h.Bottom <= have.Bottom && h.Right <= have.Right
}

// FLOPs counts two for each multiplication and addition of the direct sum.
func (g Geometry) FLOPs() float64 {
	return 2 * float64(g.N) * float64(g.Out.Height*g.Out.Width*g.Out.Channels) * float64(g.In.Channels/g.Groups*g.KernelH*g.KernelW)
}

// check reports what is wrong with g and with weights and bias of these sizes.
func (g Geometry) check(weights, bias int) error {
	switch {
	case g.N < 1 || g.In.Height < 1 || g.In.Width < 1 || g.Out.Height < 1 || g.Out.Width < 1:
		return fmt.Errorf("conv: %d images of %dx%d to %dx%d", g.N, g.In.Height, g.In.Width, g.Out.Height, g.Out.Width)
	case g.KernelH < 1 || g.KernelW < 1 || g.StrideH < 1 || g.StrideW < 1 || g.DilationH < 1 || g.DilationW < 1:
		return fmt.Errorf("conv: kernel %dx%d, strides %d,%d, dilations %d,%d", g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW)
	case g.Groups < 1 || g.In.Channels < 1 || g.Out.Channels < 1 || g.In.Channels%g.Groups != 0 || g.Out.Channels%g.Groups != 0:
		return fmt.Errorf("conv: %d channels to %d in %d groups", g.In.Channels, g.Out.Channels, g.Groups)
	case g.Out.planar() && !(g.In.planar() && g.takesPlanes()):
		return fmt.Errorf("conv: output with channels outermost, which no kernel takes")
	case !g.Halo().within(g.In.Halo):
		return fmt.Errorf("conv: input has halo %+v, the window reaches %+v", g.In.Halo, g.Halo())
	}
	if need := g.Out.Channels * g.In.Channels / g.Groups * g.KernelH * g.KernelW; weights != need {
		return fmt.Errorf("conv: %d weights, %d needed", weights, need)
	}
	if bias != 0 && bias != g.Out.Channels {
		return fmt.Errorf("conv: %d bias values for %d channels", bias, g.Out.Channels)
	}
	if g.hasResidual() && (g.Residual.Height != g.Out.Height || g.Residual.Width != g.Out.Width || g.Residual.Channels != g.Out.Channels || g.Residual.planar()) {
		return fmt.Errorf("conv: residual %dx%dx%d for output %dx%dx%d", g.Residual.Height, g.Residual.Width, g.Residual.Channels,
			g.Out.Height, g.Out.Width, g.Out.Channels)
	}
	return nil
}

func (g Geometry) hasResidual() bool { return g.Residual != Image{} }

// Buffer is the memory of images: binary32 or bfloat16, whichever is set. The
// zero Buffer stands for none.
type Buffer struct {
	F32  []float32
	BF16 []uint16
}

// Plan is a convolution made ready for a machine: its weights packed and its
// algorithm chosen. It is immutable and may be used by any number of sessions.
type Plan struct {
	geometry Geometry
	class    string
	format   gemm.Format
	bytes    int
	scratch  int
	bind     func(workers int, scratch []byte) runner
	link     func() link // nil where it can't be computed by lines
	direct   *direct     // nil where it can't Average

	function  Function // none if F32 is nil
	keepsZero bool     // the function of 0 is 0
}

// Prepare plans a convolution. Weights are in ONNX's order: output channel,
// input channel of the group, row, column. The epilogue's bias has a value for
// each output channel, or is nil. In the formats FP32 and FP16 the images are
// binary32; in BF16 the input is bfloat16, output and residual are of one type,
// either. A nil arena packs onto Go's heap.
func Prepare(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) (*Plan, error) {
	if err := g.check(len(weights), len(e.Bias)); err != nil {
		return nil, err
	}
	return ways(features, format, g)[0].prepare(arena, features, format, g, weights, e), nil
}

// Class names the algorithm and its kernel: "conv avx512_14x32 fp32".
func (p *Plan) Class() string { return p.class }

// Mixed reports whether the products are of 16-bit numbers.
func (p *Plan) Mixed() bool { return p.format != gemm.FP32 }

// inputsBF16 reports whether input images are bfloat16.
func (p *Plan) inputsBF16() bool { return p.format == gemm.BF16 }

// Bytes is the size of the packed weights.
func (p *Plan) Bytes() int { return p.bytes }

// Scratch is how many bytes of memory a run works in.
func (p *Plan) Scratch() int { return p.scratch }

// Geometry is what the plan was prepared for.
func (p *Plan) Geometry() Geometry { return p.geometry }

func ceilDiv(x, n int) int { return (x + n - 1) / n }
func roundUp(x, n int) int { return ceilDiv(x, n) * n }
