package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/fence"
	"github.com/eiplan/eiplan/engine/parallel"
)

// shape is a convolution to test.
type shape struct {
	why                         string
	n, h, w, in, out            int
	kh, kw, stride, dilation    int
	top, left, bottom, right    int
	groups, lanes               int
	wideWeights, sums, halfBand bool
}

var shapes = []shape{
	{why: "one pixel, one channel", n: 1, h: 1, w: 1, in: 1, out: 1, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 4},
	{why: "1×1 over a flat image", n: 1, h: 7, w: 9, in: 64, out: 40, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16},
	{why: "1×1 of odd channels", n: 1, h: 5, w: 5, in: 35, out: 37, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16},
	{why: "3×3 with padding", n: 2, h: 11, w: 37, in: 48, out: 33, kh: 3, kw: 3, stride: 1, dilation: 1, top: 1, left: 1, bottom: 1, right: 1, groups: 1, lanes: 16},
	{why: "a stem of three channels", n: 1, h: 23, w: 31, in: 3, out: 24, kh: 3, kw: 3, stride: 2, dilation: 1, top: 1, left: 1, bottom: 0, right: 1, groups: 1, lanes: 4},
	{why: "a large stem", n: 1, h: 30, w: 30, in: 3, out: 64, kh: 7, kw: 7, stride: 2, dilation: 1, top: 3, left: 3, bottom: 3, right: 3, groups: 1, lanes: 4},
	{why: "dilated", n: 1, h: 12, w: 13, in: 20, out: 17, kh: 3, kw: 3, stride: 1, dilation: 2, top: 2, left: 2, bottom: 2, right: 2, groups: 1, lanes: 16},
	{why: "grouped", n: 1, h: 9, w: 10, in: 24, out: 36, kh: 3, kw: 3, stride: 1, dilation: 1, top: 1, left: 1, bottom: 1, right: 1, groups: 4, lanes: 16},
	{why: "groups that end off a step", n: 1, h: 6, w: 6, in: 15, out: 9, kh: 1, kw: 3, stride: 1, dilation: 1, groups: 3, lanes: 16},
	{why: "depthwise", n: 2, h: 9, w: 14, in: 24, out: 24, kh: 3, kw: 3, stride: 1, dilation: 1, top: 1, left: 1, bottom: 1, right: 1, groups: 24, lanes: 16},
	{why: "depthwise with stride", n: 1, h: 9, w: 15, in: 50, out: 50, kh: 5, kw: 5, stride: 2, dilation: 1, top: 2, left: 2, bottom: 2, right: 2, groups: 50, lanes: 16},
	{why: "depthwise of more channels than a byte counts", n: 1, h: 6, w: 1, in: 520, out: 520, kh: 3, kw: 1, stride: 1, dilation: 1, groups: 520, lanes: 16},
	{why: "weights of nine bits", n: 1, h: 6, w: 17, in: 32, out: 20, kh: 3, kw: 3, stride: 1, dilation: 1, groups: 1, lanes: 16, wideWeights: true},
	{why: "depthwise weights of nine bits", n: 1, h: 6, w: 17, in: 32, out: 32, kh: 3, kw: 3, stride: 1, dilation: 1, groups: 32, lanes: 16, wideWeights: true},
	{why: "sums", n: 1, h: 4, w: 70, in: 80, out: 50, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16, sums: true},
	{why: "depthwise sums", n: 1, h: 4, w: 7, in: 6, out: 6, kh: 3, kw: 3, stride: 1, dilation: 1, groups: 6, lanes: 16, sums: true},
	{why: "bounds inside the range of a byte", n: 1, h: 8, w: 8, in: 16, out: 16, kh: 1, kw: 1, stride: 1, dilation: 1, groups: 1, lanes: 16, halfBand: true},
	{why: "many chunks of k", n: 1, h: 3, w: 33, in: 272, out: 16, kh: 3, kw: 3, stride: 1, dilation: 1, groups: 1, lanes: 16},
}

// geometry places s's images.
func (s shape) geometry() conv.Geometry {
	size := func(in, before, after, k int) int { return (in+before+after-(k-1)*s.dilation-1)/s.stride + 1 }
	g := conv.Geometry{
		N: s.n, KernelH: s.kh, KernelW: s.kw, StrideH: s.stride, StrideW: s.stride, DilationH: s.dilation, DilationW: s.dilation,
		PadTop: s.top, PadLeft: s.left, Groups: s.groups,
	}
	g.In = conv.NewImage(s.h, s.w, s.in, s.lanes, conv.Halo{})
	g.Out = conv.NewImage(size(s.h, s.top, s.bottom, s.kh), size(s.w, s.left, s.right, s.kw), s.out, 16, conv.Halo{Left: 1})
	if s.kh == 1 {
		g.Out = conv.NewImage(g.Out.Height, g.Out.Width, s.out, 16, conv.Halo{})
	}
	g.In = conv.NewImage(s.h, s.w, s.in, s.lanes, g.Halo())
	return g
}

// convolution fills s's operands with numbers of all sizes.
func (s shape) convolution(r *rand.Rand) Convolution {
	c := Convolution{Geometry: s.geometry(), ZeroIn: uint8(r.Uint32()), Out: Bytes{Zero: uint8(r.Uint32()), Lo: 0, Hi: 255}}
	if s.halfBand {
		c.Out = Bytes{Zero: 100, Lo: 100, Hi: 180}
	}
	c.Weights = make([]int16, s.out*s.in/s.groups*s.kh*s.kw)
	for i := range c.Weights {
		c.Weights[i] = int16(r.IntN(256) - 128)
		if s.wideWeights {
			c.Weights[i] = int16(r.IntN(511) - 255)
		}
	}
	for range s.out {
		c.Bias = append(c.Bias, int32(r.IntN(1<<16)-1<<15))
		if !s.sums {
			c.Scale = append(c.Scale, (0.5+r.Float32())*0.02)
		}
	}
	return c
}

// direct is the sum of Geometry's comment for one output.
func (c *Convolution) direct(in []byte, n, o, y, x int) int32 {
	g := &c.Geometry
	channels := g.In.Channels / g.Groups
	sum := c.Bias[o]
	for ch := range channels {
		for i := range g.KernelH {
			for j := range g.KernelW {
				at := g.In.Index(n, o/(g.Out.Channels/g.Groups)*channels+ch, y*g.StrideH-g.PadTop+i*g.DilationH, x*g.StrideW-g.PadLeft+j*g.DilationW)
				sum += (int32(in[at]) - int32(c.ZeroIn)) * int32(c.Weights[((o*channels+ch)*g.KernelH+i)*g.KernelW+j])
			}
		}
	}
	return sum
}

// only are the features of k's needs; the plain row has none.
func only(k Kernel) cpu.Features { return k.Needs }

// TestConvolutions holds every row of the table to the direct sum, to the bit, with memory behind the operands that
// may not be touched, beyond the slack of the input.
func TestConvolutions(t *testing.T) {
	for _, k := range kernels {
		t.Run(k.String(), func(t *testing.T) {
			if !k.Runnable(cpu.Detect()) {
				t.Skipf("SKIPPED: this machine lacks %v", k.Needs)
			}
			for i, s := range shapes {
				for _, threads := range []int{1, 2} {
					if err := checkShape(t, k, s, threads, uint64(i)); err != nil {
						t.Errorf("%s, %d threads: %v", s.why, threads, err)
					}
				}
			}
		})
	}
}

func checkShape(t *testing.T, k Kernel, s shape, threads int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 1))
	c := s.convolution(r)
	g := &c.Geometry
	p, err := Prepare(nil, only(k), c)
	if err != nil {
		return err
	}
	in := fence.Slice[byte](t, g.In.Size(g.N)+Slack)
	for i := range in {
		in[i] = byte(r.Uint32())
	}
	clearHalo(in, g, c.ZeroIn)
	size := 1
	if s.sums {
		size = 4
	}
	out := fence.Slice[byte](t, g.Out.Size(g.N)*size)
	for i := range out {
		out[i] = 0x5A
	}
	team := parallel.New(threads)
	defer team.Close()
	call := p.Bind(threads)
	call.Run(team, in, out)
	call.Run(team, in, out)
	touched := map[int]bool{}
	lo, hi, zero := c.Out.bounds()
	for n := range g.N {
		for o := range g.Out.Channels {
			for y := range g.Out.Height {
				for x := range g.Out.Width {
					at := g.Out.Index(n, o, y, x)
					touched[at] = true
					sum := c.direct(in, n, o, y, x)
					if s.sums {
						if got := *(*int32)(unsafe.Pointer(&out[4*at])); got != sum {
							return fmt.Errorf("output %d,%d,%d,%d is %d, want %d", n, o, y, x, got, sum)
						}
						continue
					}
					if want := toByte(float32(sum)*c.Scale[o], lo, hi, zero); out[at] != want {
						return fmt.Errorf("output %d,%d,%d,%d is %d, want %d (sum %d)", n, o, y, x, out[at], want, sum)
					}
				}
			}
		}
	}
	for i := range out {
		if !touched[i/size] && out[i] != 0x5A {
			return fmt.Errorf("byte %d, which is no output, was written", i)
		}
	}
	return nil
}

// clearHalo fills everything but pixels with the zero point.
func clearHalo(in []byte, g *conv.Geometry, zero byte) {
	m := g.In
	for n := range g.N {
		for y := -m.Halo.Top; y < m.Height+m.Halo.Bottom; y++ {
			for x := -m.Halo.Left; x < m.Width+m.Halo.Right; x++ {
				if y >= 0 && y < m.Height && x >= 0 && x < m.Width {
					continue
				}
				for c := range m.PixelPitch {
					in[m.Index(n, c, y, x)] = zero
				}
			}
		}
	}
}

// TestLayouts holds the offsets that the generator knows.
func TestLayouts(t *testing.T) {
	var tile Tile
	var s tiles
	var w Window
	var a Affine
	var m Maximum
	var r Requantize
	var p Planes
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"Tile.Steps", unsafe.Offsetof(tile.Steps), 16}, {"Tile.Scale", unsafe.Offsetof(tile.Scale), 72}, {"Tile.Zero", unsafe.Offsetof(tile.Zero), 88},
		{"Tile.Cols", unsafe.Offsetof(tile.Cols), 96}, {"tiles.count", unsafe.Offsetof(s.count), 64}, {"tiles.b", unsafe.Offsetof(s.b), 120},
		{"tiles.sums", unsafe.Offsetof(s.sums), 152}, {"tiles.a", unsafe.Offsetof(s.a), 160}, {"Window.Next", unsafe.Offsetof(w.Next), 56},
		{"Window.Cols", unsafe.Offsetof(w.Cols), 88}, {"Window.Zero", unsafe.Offsetof(w.Zero), 104}, {"Affine.ZeroA", unsafe.Offsetof(a.ZeroA), 40},
		{"Affine.zero", unsafe.Offsetof(a.zero), 56}, {"Maximum.srcStep", unsafe.Offsetof(m.srcStep), 40}, {"Requantize.scale", unsafe.Offsetof(r.scale), 48},
		{"Requantize.zero", unsafe.Offsetof(r.zero), 64}, {"Planes.planes", unsafe.Offsetof(p.planes), 32},
	} {
		if f.got != f.want {
			t.Errorf("%s lies at %d; the generator takes it to be at %d", f.name, f.got, f.want)
		}
	}
}
