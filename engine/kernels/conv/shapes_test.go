package conv

import (
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// shape is a convolution in short; zero strides, dilations and groups mean 1.
type shape struct {
	reason             string
	n, c, h, w, k      int
	kh, kw             int
	sh, sw, dh, dw     int
	top, left, bot, rt int // pads
	groups             int
	lanes              int // 0: 16; -1: planar
	haloOut            int
	sliceOut           bool // the output is a slice of a wider image's channels
	residual           bool
	fast               bool // In has the Winograd halo
}

func (s shape) geometry() Geometry {
	one := func(x int) int { return max(x, 1) }
	g := Geometry{N: one(s.n), KernelH: s.kh, KernelW: s.kw, StrideH: one(s.sh), StrideW: one(s.sw),
		DilationH: one(s.dh), DilationW: one(s.dw), PadTop: s.top, PadLeft: s.left, Groups: one(s.groups)}
	oh := (s.h+s.top+s.bot-(s.kh-1)*g.DilationH-1)/g.StrideH + 1
	ow := (s.w+s.left+s.rt-(s.kw-1)*g.DilationW-1)/g.StrideW + 1
	h := Halo{s.haloOut, s.haloOut, s.haloOut, s.haloOut}
	g.Out = NewImage(oh, ow, s.k, 16, h)
	if s.sliceOut {
		g.Out = NewImage(oh, ow, s.k+37, 16, h).Slice(19, s.k)
	}
	lanes := s.lanes
	if lanes == 0 {
		lanes = 16
	}
	bare := g
	bare.In = NewImage(s.h, s.w, s.c, 1, Halo{})
	need := bare.Halo()
	if s.fast {
		need = bare.WinogradHalo()
	}
	if lanes < 0 {
		g.In = NewPlanar(s.h, s.w, s.c, need)
	} else {
		g.In = NewImage(s.h, s.w, s.c, lanes, need)
	}
	if s.residual {
		g.Residual = NewImage(oh, ow, s.k, 16, Halo{})
	}
	return g
}

var shapes = []shape{
	{reason: "1x1, one line", c: 32, h: 5, w: 7, k: 48, kh: 1, kw: 1},
	{reason: "1x1 into a halo", c: 32, h: 5, w: 7, k: 17, kh: 1, kw: 1, haloOut: 1},
	{reason: "1x1 stride 2", c: 16, h: 9, w: 8, k: 32, kh: 1, kw: 1, sh: 2, sw: 2},
	{reason: "3x3 of whole vectors", c: 16, h: 6, w: 15, k: 33, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, residual: true},
	{reason: "3x3 of padded channels", c: 21, h: 6, w: 5, k: 32, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "3x3 stride 2, pads only behind", c: 16, h: 8, w: 8, k: 16, kh: 3, kw: 3, sh: 2, sw: 2, bot: 1, rt: 1},
	{reason: "stem of 3 packed channels", c: 3, lanes: 1, h: 15, w: 17, k: 24, kh: 7, kw: 7, sh: 2, sw: 2, top: 3, left: 3, bot: 3, rt: 3},
	{reason: "stem of 3 planes", c: 3, lanes: -1, h: 15, w: 17, k: 24, kh: 7, kw: 7, sh: 2, sw: 2, top: 3, left: 3, bot: 3, rt: 3},
	{reason: "dilated planes", c: 2, lanes: -1, h: 9, w: 9, k: 5, kh: 3, kw: 3, dh: 2, dw: 3, top: 2, left: 3, bot: 2, rt: 3},
	{reason: "dilated rows and columns", c: 16, h: 9, w: 11, k: 18, kh: 3, kw: 2, dh: 2, dw: 3, top: 2, left: 1, bot: 1, rt: 2},
	{reason: "one dimension", c: 10, h: 1, w: 40, k: 12, kh: 1, kw: 5, left: 2, rt: 2},
	{reason: "one dimension, stride 4, one channel", c: 1, lanes: 1, h: 1, w: 64, k: 20, kh: 1, kw: 9, sw: 4, left: 4, rt: 4},
	{reason: "groups of several channels", c: 24, h: 5, w: 6, k: 36, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 3, residual: true},
	{reason: "two images", n: 2, c: 16, h: 5, w: 4, k: 20, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, residual: true},
	{reason: "into a slice of channels", c: 16, h: 5, w: 4, k: 20, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, sliceOut: true},
	{reason: "lines that fill tiles", c: 16, h: 3, w: 32, k: 20, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "kernel as large as the image", c: 32, h: 4, w: 4, k: 40, kh: 4, kw: 4},
	{reason: "output larger than input", c: 16, h: 2, w: 2, k: 16, kh: 1, kw: 1, top: 2, left: 2, bot: 2, rt: 2},
	{reason: "depthwise 3x3", c: 40, h: 7, w: 11, k: 40, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 40},
	{reason: "depthwise 3x3 stride 2", c: 32, h: 10, w: 21, k: 32, kh: 3, kw: 3, sh: 2, sw: 2, top: 1, left: 1, bot: 1, rt: 1, groups: 32, haloOut: 1},
	{reason: "depthwise 5x5", n: 2, c: 17, h: 7, w: 9, k: 17, kh: 5, kw: 5, top: 2, left: 2, bot: 2, rt: 2, groups: 17, residual: true},
	{reason: "depthwise 5x5 stride 2", c: 48, h: 12, w: 19, k: 48, kh: 5, kw: 5, sh: 2, sw: 2, top: 2, left: 2, bot: 2, rt: 2, groups: 48},
	{reason: "depthwise 7x1 dilated", c: 33, h: 16, w: 5, k: 33, kh: 7, kw: 1, dh: 2, top: 6, bot: 6, groups: 33, sliceOut: true},
	{reason: "depthwise 1x9 stride 3", c: 5, h: 1, w: 50, k: 5, kh: 1, kw: 9, sw: 3, left: 4, rt: 4, groups: 5},
	{reason: "two maps for each channel", c: 6, h: 5, w: 5, k: 12, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 6},
	{reason: "groups worth transforming", c: 64, h: 15, w: 22, k: 96, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, groups: 2, residual: true},
	{reason: "pointwise groups", c: 192, h: 9, w: 14, k: 192, kh: 1, kw: 1, groups: 3, residual: true},
	{reason: "groups of which two fill a vector", n: 2, c: 40, h: 6, w: 9, k: 60, kh: 3, kw: 2, top: 1, left: 1, bot: 1, groups: 10, residual: true},
	{reason: "3x3 with room for Winograd", c: 32, h: 14, w: 17, k: 48, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true, residual: true},
	{reason: "Winograd without pads", n: 2, c: 32, h: 16, w: 18, k: 32, kh: 3, kw: 3, fast: true, haloOut: 1},
	{reason: "pixels in two stages", c: 256, h: 20, w: 24, k: 40, kh: 1, kw: 1, residual: true},
	{reason: "pixels of two images, padded channels", n: 2, c: 48, h: 9, w: 9, k: 80, kh: 1, kw: 1, haloOut: 1},
	{reason: "pixels with others' channels between them", c: 96, lanes: 160, h: 9, w: 11, k: 64, kh: 1, kw: 1, sliceOut: true},
	{reason: "every other pixel of many", c: 64, h: 21, w: 19, k: 48, kh: 1, kw: 1, sh: 2, sw: 2},
	{reason: "pixels of a pad", c: 64, h: 8, w: 9, k: 48, kh: 1, kw: 1, top: 1, left: 2, bot: 1, rt: 1},
	{reason: "lines in two stages", c: 64, h: 9, w: 200, k: 32, kh: 2, kw: 1, residual: true},
	{reason: "a line in two stages", n: 2, c: 64, h: 1, w: 1500, k: 32, kh: 1, kw: 3, dw: 4, left: 4, rt: 4, residual: true},
	{reason: "every other pixel of a line with others' channels between them", c: 64, lanes: 80, h: 1, w: 1501, k: 32, kh: 1, kw: 3, sw: 2, left: 1, rt: 1},
	{reason: "a line of many after one of pads", c: 64, h: 2, w: 20, k: 32, kh: 2, kw: 3, top: 1, left: 1, rt: 1},
	{reason: "lines longer than a stage", c: 64, h: 3, w: 700, k: 32, kh: 3, kw: 1, top: 1, bot: 1},
	{reason: "few lines, in tiles over their ends", n: 2, c: 64, h: 7, w: 7, k: 64, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, residual: true, haloOut: 1},
	{reason: "lines with others' channels between their pixels", c: 48, lanes: 64, h: 9, w: 11, k: 48, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "odd numbers of half chunks", c: 16, h: 11, w: 9, k: 48, kh: 5, kw: 3, top: 2, left: 1, bot: 2, rt: 1, sliceOut: true},
	{reason: "every other line of many channels", c: 64, h: 15, w: 17, k: 48, kh: 3, kw: 3, sh: 2, sw: 2, top: 1, left: 1, bot: 1, rt: 1},
	{reason: "dilated lines of many channels", c: 48, h: 15, w: 17, k: 48, kh: 3, kw: 3, dh: 2, dw: 3, top: 2, left: 3, bot: 2, rt: 3},
	{reason: "Winograd of many panels", c: 64, h: 15, w: 14, k: 80, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true, sliceOut: true},
	{reason: "Winograd of weights that stream, slice by slice", c: 144, h: 9, w: 10, k: 144, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1, fast: true, residual: true, haloOut: 1},
	{reason: "3x3 of few rows, by slabs", c: 96, h: 7, w: 8, k: 80, kh: 3, kw: 3, top: 1, left: 1, bot: 1, rt: 1},
}

func FuzzConvolve(f *testing.F) {
	f.Add(uint8(3), uint8(9), uint8(12), uint8(20), uint8(3), uint8(3), uint16(0))
	f.Add(uint8(32), uint8(14), uint8(15), uint8(32), uint8(3), uint8(3), uint16(0x5555))
	f.Add(uint8(16), uint8(7), uint8(9), uint8(16), uint8(5), uint8(1), uint16(0xFFFF))
	f.Fuzz(func(t *testing.T, c, h, w, k, kh, kw uint8, flags uint16) {
		bit := func(i int) int { return int(flags >> i & 1) }
		s := shape{reason: "fuzz", n: 1 + bit(0), c: int(c)%40 + 1, h: int(h)%20 + 1, w: int(w)%40 + 1, k: int(k)%70 + 1,
			kh: int(kh)%5 + 1, kw: int(kw)%5 + 1, sh: 1 + bit(1), sw: 1 + bit(2) + bit(3), dh: 1 + bit(4), dw: 1 + bit(5),
			top: bit(6), left: bit(7) * 2, bot: bit(8), rt: bit(9), haloOut: bit(10), sliceOut: bit(11) == 1, residual: bit(12) == 1, fast: true}
		switch bit(13) + 2*bit(14) {
		case 1:
			s.lanes = 1
		case 2:
			s.lanes = -1
		case 3:
			s.groups, s.k = s.c, s.c
		}
		if (s.kh-1)*s.dh >= s.h+s.top+s.bot || (s.kw-1)*s.dw >= s.w+s.left+s.rt {
			t.Skip("the window exceeds the image")
		}
		team := parallel.New(2)
		defer team.Close()
		for _, format := range []gemm.Format{gemm.FP32, gemm.BF16, gemm.FP16} {
			checkConv(t, team, newProblem(t, s, format, gemm.Clamp{Lo: -3, Hi: 3}, format == gemm.BF16 && bit(15) == 1))
		}
	})
}
