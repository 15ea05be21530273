package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Sizes of F(4×4, 3×3): 6×6 patches of input become 4×4 outputs through 36
// products (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
// 2015, section 4.3).
const (
	winogradTile  = 4
	winogradPatch = winogradTile + 2
	planes        = winogradPatch * winogradPatch
)

// winogradLanes is how many channels the transforms take at a time.
const winogradLanes = 16

// winogradBytes bounds the transformed patches of a block: half a common L2 and
// some, as each half is touched in turn.
const winogradBytes = 1 << 20

// winograd convolves 3×3 windows of stride 1 by transforming patches of input,
// multiplying each of their 36 elements by transformed weights as matrices of
// patches × channels, and transforming back. Blocks of patches keep what is
// between in the cache.
type winograd struct {
	g       Geometry
	clamp   gemm.Clamp
	bias    gemm.Block
	weights [planes]*gemm.Panels
	across  int // patches in a row of the image
	down    int
	block   int // patches at a time
}

// winogradShape reports whether the window is one that the algorithm computes
// and the image one that gains by it.
func (g Geometry) winogradShape() bool {
	return g.KernelH == 3 && g.KernelW == 3 && g.StrideH == 1 && g.StrideW == 1 && g.DilationH == 1 && g.DilationW == 1 && g.Groups == 1 &&
		!g.In.planar() && g.In.Channels%winogradLanes == 0 && g.Out.Channels%winogradLanes == 0 &&
		min(g.Out.Height, g.Out.Width) >= winogradExtent && min(g.In.Channels, g.Out.Channels) >= winogradChannels
}

// Where fewer patches or channels share a product, transforms cost more than
// they save.
const (
	winogradExtent   = 14
	winogradChannels = 32
)

func fitsWinograd(features cpu.Features, format gemm.Format, g Geometry) bool {
	return compiled && features.Has(cpu.AVX512) && format == gemm.FP32 && g.winogradShape() && g.WinogradHalo().within(g.In.Halo)
}

func prepareWinograd(arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	w := &winograd{g: g, clamp: e.Clamp,
		across: (g.Out.Width + winogradTile - 1) / winogradTile,
		down:   (g.Out.Height + winogradTile - 1) / winogradTile}
	ins, outs := g.In.Channels, g.Out.Channels
	w.bias = arena.Allocate(4 * outs)
	copy(w.bias.Floats(), e.Bias)
	each := (ins + outs) * planes * 4
	w.block = min(g.N*w.across*w.down, max(14, winogradBytes/each))
	kernel := gemm.Choose(features, format, w.block, outs, ins)
	transformed := transformWeights(weights, ins, outs)
	bytes := 0
	for i := range w.weights {
		panels, err := gemm.Pack(arena, kernel, transformed[i*ins*outs:(i+1)*ins*outs], ins, outs, outs, false)
		if err != nil {
			panic("conv: transformed weights: " + err.Error())
		}
		w.weights[i] = panels
		bytes += panels.Bytes()
	}
	return &Plan{geometry: g, class: "winograd_f4x3 " + kernel.String(), format: format, bytes: bytes, bind: w.bind}
}

// transformWeights returns G·g·Gᵀ of each 3×3 filter g, as planes of ins×outs.
// Planes are numbered by column, then row, as the input transform writes them.
func transformWeights(weights []float32, ins, outs int) []float32 {
	g := [winogradPatch][3]float64{
		{1. / 4, 0, 0},
		{-1. / 6, -1. / 6, -1. / 6},
		{-1. / 6, 1. / 6, -1. / 6},
		{1. / 24, 1. / 12, 1. / 6},
		{1. / 24, -1. / 12, 1. / 6},
		{0, 0, 1},
	}
	u := make([]float32, planes*ins*outs)
	for o := range outs {
		for i := range ins {
			filter := weights[(o*ins+i)*9:]
			var rows [winogradPatch][3]float64
			for r := range rows {
				for c := range 3 {
					for k := range 3 {
						rows[r][c] += g[r][k] * float64(filter[k*3+c])
					}
				}
			}
			for r := range winogradPatch {
				for c := range winogradPatch {
					var sum float64
					for k := range 3 {
						sum += rows[r][k] * g[c][k]
					}
					u[((c*winogradPatch+r)*ins+i)*outs+o] = float32(sum)
				}
			}
		}
	}
	return u
}

// Patch is the argument of one call of a transform: one patch, Groups times 16
// channels of it. The generator in _asm/conv knows the layout; the output
// transform leaves Groups changed.
type Patch struct {
	Image    unsafe.Pointer // the patch's first pixel: 6×6 are read, or Rows×Cols written
	Row      int            // bytes between its rows
	Pixel    int            // bytes between its pixels
	Planes   unsafe.Pointer // the patch's channels in plane 0
	Plane    int            // bytes between planes
	Groups   int
	Bias     unsafe.Pointer
	Residual unsafe.Pointer // or nil, with ResRow 0
	ResRow   int
	ResPixel int
	Rows     int // of output that lie in the image; more than 4 count as 4
	Cols     int
	Lo, Hi   float32
	Scratch  unsafe.Pointer // 36 vectors
	_        [128 - 14*8]byte
}

// winogradCall is winograd's work for one session: three phases for each block.
type winogradCall struct {
	*winograd
	memory
	phase    func(c *winogradCall, worker, i int)
	first, n int        // the block's patches
	v, m     gemm.Block // transformed inputs and products: [plane][patch][channel]
	tiles    []gemm.Tile
	patches  []Patch
	scratch  []gemm.Block
	tap      int64
}

func (w *winograd) bind(workers int) runner {
	c := &winogradCall{winograd: w, tiles: w.weights[0].Tiles(workers, gemm.Unbounded()), patches: make([]Patch, workers)}
	c.v = (*gemm.Arena)(nil).Allocate(planes * w.block * w.g.In.Channels * 4)
	c.m = (*gemm.Arena)(nil).Allocate(planes * w.block * w.g.Out.Channels * 4)
	for i := range workers {
		s := (*gemm.Arena)(nil).Allocate(planes * 64)
		c.scratch = append(c.scratch, s)
		c.patches[i].Scratch = s.Pointer()
		c.tiles[i].Taps, c.tiles[i].Tap = 1, &c.tap
	}
	return c
}

func (c *winogradCall) run(team *parallel.Team, m memory) {
	c.memory = m
	total := c.g.N * c.across * c.down
	for c.first = 0; c.first < total; c.first += c.n {
		c.n = min(c.block, total-c.first)
		c.phase = (*winogradCall).transformIn
		team.Run(c.n, c)
		c.phase = (*winogradCall).multiply
		team.Run(planes, c)
		c.phase = (*winogradCall).transformOut
		team.Run(c.n, c)
	}
}

// Do computes part i of the present phase.
func (c *winogradCall) Do(worker, i int) { c.phase(c, worker, i) }

// place says where the block's patch i lies.
func (c *winogradCall) place(i int) (n, y, x int) {
	i += c.first
	x, i = i%c.across, i/c.across
	return i / c.down, i % c.down * winogradTile, x * winogradTile
}

func (c *winogradCall) transformIn(worker, i int) {
	g, p := &c.g, &c.patches[worker]
	n, y, x := c.place(i)
	p.Image = unsafe.Add(c.in, g.In.Index(n, 0, y-g.PadTop, x-g.PadLeft)*4)
	p.Row, p.Pixel = g.In.RowPitch*4, g.In.PixelPitch*4
	p.Planes = unsafe.Add(c.v.Pointer(), i*g.In.Channels*4)
	p.Plane = c.n * g.In.Channels * 4
	p.Groups = g.In.Channels / winogradLanes
	compiledWinogradInput(p)
}

// multiply multiplies plane i of all patches of the block.
func (c *winogradCall) multiply(worker, i int) {
	w, t := c.weights[i], &c.tiles[worker]
	ins, outs := c.g.In.Channels*4, c.g.Out.Channels*4
	t.Lda, t.Ldc = ins, outs
	limit := w.Kernel().MR
	tiles := (c.n + limit - 1) / limit
	for panel := range w.Count() {
		routines := w.Load(t, panel, false)
		ahead := w.Ahead(panel)
		if panel == w.Count()-1 && i < planes-1 {
			ahead = w.AheadTo(panel, c.weights[i+1])
		}
		for tile := range tiles {
			row := tile * c.n / tiles
			t.Rows = (tile+1)*c.n/tiles - row
			t.A = unsafe.Add(c.v.Pointer(), (i*c.n+row)*ins)
			t.C = unsafe.Add(c.m.Pointer(), (i*c.n+row)*outs+w.First(panel)*4)
			t.Prefetch = ahead.Take(t.Rows, t.Width)
			t.Compute(routines)
		}
		t.Finish(routines)
	}
}

func (c *winogradCall) transformOut(worker, i int) {
	g, p := &c.g, &c.patches[worker]
	n, y, x := c.place(i)
	p.Image = unsafe.Add(c.out, g.Out.Index(n, 0, y, x)*4)
	p.Row, p.Pixel = g.Out.RowPitch*4, g.Out.PixelPitch*4
	p.Planes = unsafe.Add(c.m.Pointer(), i*g.Out.Channels*4)
	p.Plane = c.n * g.Out.Channels * 4
	p.Groups = g.Out.Channels / winogradLanes
	p.Bias = c.bias.Pointer()
	p.Residual, p.ResRow, p.ResPixel = nil, 0, 0
	if c.residual != nil {
		p.Residual = unsafe.Add(c.residual, g.Residual.Index(n, 0, y, x)*4)
		p.ResRow, p.ResPixel = g.Residual.RowPitch*4, g.Residual.PixelPitch*4
	}
	p.Rows, p.Cols = g.Out.Height-y, g.Out.Width-x
	p.Lo, p.Hi = c.clamp.Lo, c.clamp.Hi
	compiledWinogradOutput(p)
}
