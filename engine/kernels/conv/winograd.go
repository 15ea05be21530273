package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// scheme is one size of F(tile×tile, 3×3): patches of input with an edge of
// tile+2 become tile×tile outputs through edge² products (Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks, 2015, section 4).
type scheme struct {
	name   string
	tile   int
	g      [][3]float64 // transforms a filter's rows
	input  func(*Patch)
	output func(*Patch)
}

func (s *scheme) edge() int   { return s.tile + 2 }
func (s *scheme) planes() int { return s.edge() * s.edge() }

var schemes = [...]scheme{
	{"winograd_f4x3", 4, [][3]float64{
		{1. / 4, 0, 0},
		{-1. / 6, -1. / 6, -1. / 6},
		{-1. / 6, 1. / 6, -1. / 6},
		{1. / 24, 1. / 12, 1. / 6},
		{1. / 24, -1. / 12, 1. / 6},
		{0, 0, 1},
	}, compiledWinogradInput4, compiledWinogradOutput4},
	{"winograd_f2x3", 2, [][3]float64{
		{1, 0, 0},
		{1. / 2, 1. / 2, 1. / 2},
		{1. / 2, -1. / 2, 1. / 2},
		{0, 0, 1},
	}, compiledWinogradInput2, compiledWinogradOutput2},
}

// winogradLanes is how many channels the transforms take at a time.
const winogradLanes = 16

// winogradBytes bounds what a block's transformed patches take: half of a common
// L2. Where the weights are so large that each block streams them from beyond it,
// larger blocks stream them less often: up to as many bytes of patches as of
// weights.
const (
	winogradBytes      = 1 << 20
	winogradLargeBytes = 2 << 20
)

// winograd convolves 3×3 windows of stride 1 by transforming patches of input,
// multiplying each of their elements by transformed weights as matrices of
// patches × channels, and transforming back. Blocks of patches keep what is
// between in the cache; where weights stream through it, so do slices of the
// output's channels, a panel of the weights at a time.
type winograd struct {
	*scheme
	g       Geometry
	clamp   gemm.Clamp
	bias    gemm.Block
	weights []*gemm.Panels // of each plane
	across  int            // patches in a row of the image
	down    int
	block   int // patches at a time
	slice   int // channels of the output at a time
}

// scheme is the fastest way to convolve g by transformed patches, nil where the
// direct sum should be as fast.
func (g Geometry) scheme() *scheme {
	if !g.transformable() {
		return nil
	}
	var best *scheme
	least := worthTransforming * g.directCost()
	for i := range schemes {
		if cost := g.winogradCost(&schemes[i]); cost < least {
			best, least = &schemes[i], cost
		}
	}
	return best
}

// transformable reports whether the schemes compute g, fast or not.
func (g Geometry) transformable() bool {
	return g.KernelH == 3 && g.KernelW == 3 && g.StrideH == 1 && g.StrideW == 1 && g.DilationH == 1 && g.DilationW == 1 && g.Groups == 1 &&
		!g.In.planar() && g.In.Channels%winogradLanes == 0 && g.Out.Channels%winogradLanes == 0
}

// The costs below are in FLOPs at the rate of a product whose operands lie in the
// cache. Weights that do not stay there are streamed while the products run.
const (
	flopsPerByte        = 12  // while a byte of weights is streamed
	flopsPerTransformed = 30  // for an element of a transformed patch, there and back
	worthTransforming   = 0.9 // transforms round more, and are less certain to pay
	residentWeights     = 1 << 20
)

func (g Geometry) directCost() float64 {
	return streamed(g.FLOPs(), 9*4*float64(g.In.Channels*g.Out.Channels))
}

func (g Geometry) winogradCost(s *scheme) float64 {
	patches := g.N * ((g.Out.Height + s.tile - 1) / s.tile) * ((g.Out.Width + s.tile - 1) / s.tile)
	planes, weights := float64(s.planes()), float64(g.In.Channels*g.Out.Channels)
	transformed := planes * float64(patches*(g.In.Channels+g.Out.Channels))
	return streamed(2*planes*float64(max(patches, shortestBlock))*weights, planes*4*weights) + flopsPerTransformed*transformed
}

// streamed is the cost of products with weights of a size in bytes.
func streamed(flops, bytes float64) float64 {
	if bytes <= residentWeights {
		return flops
	}
	return max(flops, flopsPerByte*bytes)
}

// transforms reports whether a processor has the schemes' transforms for a format.
func transforms(features cpu.Features, format gemm.Format) bool {
	return compiled && features.Has(cpu.AVX512) && format == gemm.FP32
}

func (s *scheme) prepare(arena *gemm.Arena, features cpu.Features, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	w := &winograd{scheme: s, g: g, clamp: e.Clamp,
		across: (g.Out.Width + s.tile - 1) / s.tile,
		down:   (g.Out.Height + s.tile - 1) / s.tile}
	ins, outs := g.In.Channels, g.Out.Channels
	w.bias = arena.Allocate(4 * outs)
	copy(w.bias.Floats(), e.Bias)
	limit := winogradBytes
	w.slice = outs
	if streams := s.planes() * ins * outs * 4; streams > winogradBytes {
		limit = max(winogradLargeBytes, streams)
		w.slice = min(outs, gemm.ChooseWhole(features, gemm.FP32, 1, outs, ins).NR)
	}
	patches := g.N * w.across * w.down
	blocks := ceilDiv(patches*(ins+w.slice)*s.planes()*4, limit)
	w.block = max(ceilDiv(patches, blocks), min(patches, shortestBlock))
	kernel := gemm.ChooseWhole(features, gemm.FP32, w.block, outs, ins)
	w.weights = gemm.Blank(arena, kernel, s.planes(), ins, outs)
	s.packWeights(w.weights, weights, ins)
	bytes := s.planes() * w.weights[0].Bytes()
	return &Plan{geometry: g, class: s.name + " " + kernel.String(), format: gemm.FP32, bytes: bytes, scratch: w.scratch(w.block + sparePatches), bind: w.bind}
}

const (
	shortestBlock = 14 // patches that should at least share the loading of weights: fewer take as long
	sparePatches  = 8  // room for rounding up where a block's memory is divided among workers
	crossing      = 2  // what a byte costs that another core wrote, against one of weights that both read
)

// packWeights writes G·g·Gᵀ of each 3×3 filter g to the planes, which are numbered
// by column, then row, as the input transform writes them.
func (s *scheme) packWeights(planes []*gemm.Panels, weights []float32, ins int) {
	outs, widest := planes[0].Columns(), planes[0].Kernel().NR
	parallel.Each(outs/winogradLanes, func(i int) {
		panel, column := i*winogradLanes/widest, i*winogradLanes%widest
		to := make([][]float32, len(planes))
		for k, p := range planes {
			to[k] = p.Floats(panel)
		}
		s.transformFilters(to, column, weights[i*winogradLanes*ins*9:], ins)
	})
}

// transformFilters writes the transforms of the filters of winogradLanes outputs,
// which make up whole cache lines, to columns of planes of ins rows.
func (s *scheme) transformFilters(planes [][]float32, column int, weights []float32, ins int) {
	edge, width := s.edge(), len(planes[0])/ins
	for i := range ins {
		for o := range winogradLanes {
			filter := (*[9]float32)(weights[(o*ins+i)*9:])
			at := i*width + column + o
			for r := range edge {
				g := &s.g[r]
				x := g[0]*float64(filter[0]) + g[1]*float64(filter[3]) + g[2]*float64(filter[6])
				y := g[0]*float64(filter[1]) + g[1]*float64(filter[4]) + g[2]*float64(filter[7])
				z := g[0]*float64(filter[2]) + g[1]*float64(filter[5]) + g[2]*float64(filter[8])
				for c := range edge {
					g := &s.g[c]
					planes[c*edge+r][at] = float32(x*g[0] + y*g[1] + z*g[2])
				}
			}
		}
	}
}

// Patch is the argument of one call of a transform: one patch, Groups times 16
// channels of it. The generator in _asm/conv knows the layout; the output
// transform leaves Groups changed.
type Patch struct {
	Image    unsafe.Pointer // the patch's first pixel: edge×edge are read, or Rows×Cols written
	Row      int            // bytes between its rows
	Pixel    int            // bytes between its pixels
	Planes   unsafe.Pointer // the patch's channels in plane 0
	Plane    int            // bytes between planes
	Groups   int
	Bias     unsafe.Pointer
	Residual unsafe.Pointer // or nil, with ResRow 0
	ResRow   int
	ResPixel int
	Rows     int // of output that lie in the image; more than the tile's count as those
	Cols     int
	Lo, Hi   float32
	Scratch  unsafe.Pointer // 36 vectors
	_        [128 - 14*8]byte
}

// winogradCall is winograd's work for one session: three phases for each block.
// The team either shares the phases of one block after another, or each worker
// goes through blocks of its own.
type winogradCall struct {
	*winograd
	memory
	blocks  []winogradBlock // of each worker, or of all
	span    int             // patches of a block
	phase   func(c *winogradCall, b *winogradBlock, worker, i int)
	tiles   []gemm.Tile
	patches []Patch
	tap     int64
}

// winogradBlock is the patches between their transforms, the products a slice of
// the output's channels at a time.
type winogradBlock struct {
	first, n int

	channel, channels int            // of the output's slice: the first, and how many
	v, m              unsafe.Pointer // transformed inputs and products: [plane][patch][channel]
}

// pitch is the number of bytes from one plane of a block to the next, of patches
// of channels: an odd number of cache lines, so that the lines of one element of
// all planes do not compete for their place in the cache.
func pitch(patches, channels int) int { return patches*channels*4 | cacheLine }

const cacheLine = 64

// scratch is how many bytes the transformed patches of a block take.
func (w *winograd) scratch(patches int) int {
	return w.planes() * (pitch(patches, w.g.In.Channels) + pitch(patches, w.slice))
}

// count is the number of patches.
func (w *winograd) count() int { return w.g.N * w.across * w.down }

func (w *winograd) bind(workers int, scratch []byte) runner {
	c := &winogradCall{winograd: w, span: w.block, tiles: w.weights[0].Tiles(workers, gemm.Unbounded()), patches: make([]Patch, workers)}
	c.blocks = make([]winogradBlock, 1)
	if own := w.ownBlock(workers, len(scratch)); own > 0 {
		c.blocks, c.span = make([]winogradBlock, workers), own
	}
	at := unsafe.Pointer(unsafe.SliceData(scratch))
	for i := range c.blocks {
		b := &c.blocks[i]
		b.v = at
		b.m = unsafe.Add(b.v, w.planes()*pitch(c.span, w.g.In.Channels))
		at = unsafe.Add(at, w.scratch(c.span))
	}
	for i := range workers {
		c.patches[i].Scratch = (*gemm.Arena)(nil).Allocate(w.planes() * 64).Pointer()
		c.tiles[i].Taps, c.tiles[i].Tap = 1, &c.tap
	}
	return c
}

// ownBlock is how many patches at a time each worker should take through all
// phases alone, 0 where the team should share a block. What a team shares goes
// from one core's cache to another's between the phases; a worker alone reads
// all weights.
func (w *winograd) ownBlock(workers, scratch int) int {
	ins, outs := w.g.In.Channels, w.g.Out.Channels
	if workers == 1 || crossing*w.count()*(ins+outs) < workers*ins*outs {
		return 0
	}
	rounds := ceilDiv(w.count(), workers*w.block)
	for block := ceilDiv(w.count(), workers*rounds); block >= shortestBlock; block = ceilDiv(w.count(), workers*rounds) {
		if workers*w.scratch(block) <= scratch {
			return block
		}
		rounds++
	}
	return 0
}

func (c *winogradCall) run(team *parallel.Team, m memory) {
	c.memory = m
	if len(c.blocks) > 1 {
		team.Run(ceilDiv(c.count(), c.span), c)
		return
	}
	b := &c.blocks[0]
	for b.first = 0; b.first < c.count(); b.first += b.n {
		b.n = min(c.span, c.count()-b.first)
		c.phase = (*winogradCall).transformIn
		team.Run(b.n, c)
		for c.take(b, 0); b.channels > 0; c.take(b, b.channel+b.channels) {
			c.phase = (*winogradCall).multiply
			team.Run(c.planes(), c)
			c.phase = (*winogradCall).transformOut
			team.Run(b.n, c)
		}
	}
}

// Do computes part i of the present phase, or all of block i.
func (c *winogradCall) Do(worker, i int) {
	if len(c.blocks) == 1 {
		c.phase(c, &c.blocks[0], worker, i)
		return
	}
	b := &c.blocks[worker]
	b.first = i * c.span
	b.n = min(c.span, c.count()-b.first)
	for patch := range b.n {
		c.transformIn(b, worker, patch)
	}
	for c.take(b, 0); b.channels > 0; c.take(b, b.channel+b.channels) {
		for plane := range c.planes() {
			c.multiply(b, worker, plane)
		}
		for patch := range b.n {
			c.transformOut(b, worker, patch)
		}
	}
}

// take makes the channels from one on b's slice; there are none after the last.
func (c *winogradCall) take(b *winogradBlock, channel int) {
	b.channel, b.channels = channel, min(c.slice, c.g.Out.Channels-channel)
}

// place says where patch i lies.
func (c *winogradCall) place(i int) (n, y, x int) {
	x, i = i%c.across, i/c.across
	return i / c.down, i % c.down * c.tile, x * c.tile
}

func (c *winogradCall) transformIn(b *winogradBlock, worker, i int) {
	g, p := &c.g, &c.patches[worker]
	n, y, x := c.place(b.first + i)
	p.Image = unsafe.Add(c.in, g.In.Index(n, 0, y-g.PadTop, x-g.PadLeft)*4)
	p.Row, p.Pixel = g.In.RowPitch*4, g.In.PixelPitch*4
	p.Planes = unsafe.Add(b.v, i*g.In.Channels*4)
	p.Plane = pitch(c.span, g.In.Channels)
	p.Groups = g.In.Channels / winogradLanes
	c.input(p)
}

// multiply multiplies plane i of all patches of the block, for the slice.
func (c *winogradCall) multiply(b *winogradBlock, worker, i int) {
	w, t := c.weights[i], &c.tiles[worker]
	ins, outs := c.g.In.Channels*4, c.slice*4
	t.Lda, t.Ldc = ins, outs
	a, to := unsafe.Add(b.v, i*pitch(c.span, c.g.In.Channels)), unsafe.Add(b.m, i*pitch(c.span, c.slice))
	first, end := b.channel/w.Kernel().NR, ceilDiv(b.channel+b.channels, w.Kernel().NR)
	limit := w.Kernel().MR
	tiles := (b.n + limit - 1) / limit
	for panel := first; panel < end; panel++ {
		routines := w.Load(t, panel, false)
		ahead := w.Ahead(panel, tiles, b.first == 0)
		switch {
		case panel < end-1:
		case i < c.planes()-1:
			ahead = w.AheadTo(panel, c.weights[i+1], first, tiles)
		case end < w.Count():
			ahead = w.AheadTo(panel, c.weights[0], end, tiles)
		}
		for tile := range tiles {
			row := tile * b.n / tiles
			t.Rows = (tile+1)*b.n/tiles - row
			t.A = unsafe.Add(a, row*ins)
			t.C = unsafe.Add(to, row*outs+(w.First(panel)-b.channel)*4)
			ahead.Take(t)
			t.Compute(routines)
		}
		t.Finish(routines)
	}
}

func (c *winogradCall) transformOut(b *winogradBlock, worker, i int) {
	g, p := &c.g, &c.patches[worker]
	n, y, x := c.place(b.first + i)
	p.Image = unsafe.Add(c.out, g.Out.Index(n, b.channel, y, x)*4)
	p.Row, p.Pixel = g.Out.RowPitch*4, g.Out.PixelPitch*4
	p.Planes = unsafe.Add(b.m, i*c.slice*4)
	p.Plane = pitch(c.span, c.slice)
	p.Groups = b.channels / winogradLanes
	p.Bias = unsafe.Add(c.bias.Pointer(), 4*b.channel)
	p.Residual, p.ResRow, p.ResPixel = nil, 0, 0
	if c.residual != nil {
		p.Residual = unsafe.Add(c.residual, g.Residual.Index(n, b.channel, y, x)*4)
		p.ResRow, p.ResPixel = g.Residual.RowPitch*4, g.Residual.PixelPitch*4
	}
	p.Rows, p.Cols = g.Out.Height-y, g.Out.Width-x
	p.Lo, p.Hi = c.clamp.Lo, c.clamp.Hi
	c.output(p)
	if !c.applies() || b.channel+b.channels < g.Out.Channels {
		return
	}
	for r := range min(c.tile, p.Rows) {
		c.apply(&g.Out, g.Out.Index(n, 0, y+r, x), min(c.tile, p.Cols))
	}
}
