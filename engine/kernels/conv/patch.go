package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Patch is the argument of one call of a transform: Count patches beside each
// other, Groups times 16 channels of them. The generator in _asm/conv knows the
// layout; the transforms leave Cols and Count changed.
type Patch struct {
	Image    unsafe.Pointer // the first patch's first pixel: edge×edge are read, or Rows×Cols written
	Row      int            // bytes between its rows
	Pixel    int            // bytes between its pixels
	Planes   unsafe.Pointer // the first patch's channels in plane 0; the next patch's follow
	Plane    int            // bytes between planes
	Groups   int
	Bias     unsafe.Pointer
	Residual unsafe.Pointer // or nil, with ResRow and ResStep 0
	ResRow   int
	ResPixel int
	Rows     int // of output that lie in the image; more than the tile's count as those
	Cols     int // the same, from the first patch on
	Lo, Hi   float32
	Count    int
	Step     int // bytes from behind a patch's last group to the next patch
	ResStep  int
}

// winogradCall is winograd's work for one session: three phases for each block.
// The team either shares the phases of one block after another, or each worker
// goes through blocks of its own.
type winogradCall struct {
	*winograd
	memory
	blocks  []winogradBlock // of each worker, or of all
	span    int             // patches of a block
	length  int             // patches that a worker transforms at a time
	phase   func(c *winogradCall, b *winogradBlock, worker, i int)
	tiles   []gemm.Tile
	patches []Patch
	tap     int64
}

// winogradBlock is the patches between their transforms.
type winogradBlock struct {
	first, n int
	ahead    bool           // fetch weights before they are multiplied
	v, m     unsafe.Pointer // transformed inputs and products: [plane][patch][channel]
}

// pitch is the number of bytes from one plane of a block to the next, of patches
// of channels: an odd number of cache lines, so that the lines of one element of
// all planes do not compete for their place in the cache.
func pitch(patches, channels int) int { return patches*channels*4 | cacheLine }

const cacheLine = 64

// scratch is how many bytes the transformed patches of a block take.
func (w *winograd) scratch(patches int) int {
	return w.planes() * (pitch(patches, w.g.In.Channels) + pitch(patches, w.g.Out.Channels))
}

// count is the number of patches.
func (w *winograd) count() int { return w.g.N * w.across * w.down }

func (w *winograd) bind(workers int, scratch []byte) runner {
	c := &winogradCall{winograd: w, span: w.block, tiles: w.weights[0].Tiles(workers, gemm.Unbounded()), patches: make([]Patch, workers)}
	c.blocks = make([]winogradBlock, 1)
	if own := w.ownBlock(workers, len(scratch)); own > 0 {
		c.blocks, c.span = make([]winogradBlock, workers), own
	}
	c.length = min(longestRun, ceilDiv(c.span, runsPerWorker*workers))
	at := unsafe.Pointer(unsafe.SliceData(scratch))
	for i := range c.blocks {
		b := &c.blocks[i]
		b.v = at
		b.m = unsafe.Add(b.v, w.planes()*pitch(c.span, w.g.In.Channels))
		at = unsafe.Add(at, w.scratch(c.span))
	}
	for i := range workers {
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
	for i := range ceilDiv(c.count(), c.span) {
		runs := c.begin(b, i)
		c.phase = (*winogradCall).transformIn
		team.Run(runs, c)
		c.phase = (*winogradCall).multiply
		team.Run(c.planes(), c)
		c.phase = (*winogradCall).transformOut
		team.Run(runs, c)
	}
}

// Do computes part i of the present phase, or all of block i.
func (c *winogradCall) Do(worker, i int) {
	if len(c.blocks) == 1 {
		c.phase(c, &c.blocks[0], worker, i)
		return
	}
	b := &c.blocks[worker]
	runs := c.begin(b, i)
	for run := range runs {
		c.transformIn(b, worker, run)
	}
	for plane := range c.planes() {
		c.multiply(b, worker, plane)
	}
	for run := range runs {
		c.transformOut(b, worker, run)
	}
}

// begin makes b block i, and returns its number of runs. The weights are in the
// cache if they stay there and a block before has loaded them.
func (c *winogradCall) begin(b *winogradBlock, i int) (runs int) {
	b.first = i * c.span
	b.n = min(c.span, c.count()-b.first)
	b.ahead = i < len(c.blocks) || c.streams()
	return ceilDiv(b.n, c.length)
}

// place says where patch i lies, and how many from there to before end lie beside
// each other.
func (c *winogradCall) place(i, end int) (n, y, x, count int) {
	column, row := i%c.across, i/c.across
	return row / c.down, row % c.down * c.tile, column * c.tile, min(end-i, c.across-column)
}

// transformIn transforms run i of the block's patches.
func (c *winogradCall) transformIn(b *winogradBlock, worker, i int) {
	g, p := &c.g, &c.patches[worker]
	p.Row, p.Pixel = g.In.RowPitch*4, g.In.PixelPitch*4
	p.Plane = pitch(c.span, g.In.Channels)
	p.Groups = g.In.Channels / winogradLanes
	p.Step = c.tile*p.Pixel - p.Groups*cacheLine
	end := b.first + min((i+1)*c.length, b.n)
	for at := b.first + i*c.length; at < end; {
		n, y, x, count := c.place(at, end)
		p.Image = unsafe.Add(c.in, g.In.Index(n, 0, y-g.PadTop, x-g.PadLeft)*4)
		p.Planes = unsafe.Add(b.v, (at-b.first)*g.In.Channels*4)
		p.Count = count
		c.input(p)
		at += count
	}
}

// multiply multiplies plane i of all patches of the block.
func (c *winogradCall) multiply(b *winogradBlock, worker, i int) {
	w, t := c.weights[i], &c.tiles[worker]
	ins, outs := c.g.In.Channels*4, c.g.Out.Channels*4
	t.Lda, t.Ldc = ins, outs
	a, to := unsafe.Add(b.v, i*pitch(c.span, c.g.In.Channels)), unsafe.Add(b.m, i*pitch(c.span, c.g.Out.Channels))
	tiles := ceilDiv(b.n, w.Kernel().MR)
	rows, taller := b.n/tiles, b.n%tiles
	for panel := range w.Count() {
		routines := w.Load(t, panel, false)
		ahead := w.Idle(panel)
		switch {
		case !b.ahead:
		case panel < w.Count()-1:
			ahead = w.AheadTo(panel, w, panel+1, tiles)
		case i < c.planes()-1:
			ahead = w.AheadTo(panel, c.weights[i+1], 0, tiles)
		}
		for row := 0; row < b.n; row += t.Rows {
			t.Rows = rows
			if row < taller*(rows+1) {
				t.Rows++
			}
			t.A = unsafe.Add(a, row*ins)
			t.C = unsafe.Add(to, row*outs+w.First(panel)*4)
			ahead.Take(t)
			t.Compute(routines)
		}
		t.Finish(routines)
	}
}

// transformOut transforms run i of the block's products.
func (c *winogradCall) transformOut(b *winogradBlock, worker, i int) {
	g, p := &c.g, &c.patches[worker]
	p.Row, p.Pixel = g.Out.RowPitch*4, g.Out.PixelPitch*4
	p.Plane = pitch(c.span, g.Out.Channels)
	p.Groups = g.Out.Channels / winogradLanes
	p.Step = c.tile*p.Pixel - p.Groups*cacheLine
	p.Bias = c.bias.Pointer()
	p.Residual, p.ResRow, p.ResPixel, p.ResStep = nil, 0, 0, 0
	p.Lo, p.Hi = c.clamp.Lo, c.clamp.Hi
	end := b.first + min((i+1)*c.length, b.n)
	for at := b.first + i*c.length; at < end; {
		n, y, x, count := c.place(at, end)
		p.Image = unsafe.Add(c.out, g.Out.Index(n, 0, y, x)*4)
		p.Planes = unsafe.Add(b.m, (at-b.first)*g.Out.Channels*4)
		if c.residual != nil {
			p.Residual = unsafe.Add(c.residual, g.Residual.Index(n, 0, y, x)*4)
			p.ResRow, p.ResPixel = g.Residual.RowPitch*4, g.Residual.PixelPitch*4
			p.ResStep = c.tile*p.ResPixel - p.Groups*cacheLine
		}
		width := min(count*c.tile, g.Out.Width-x)
		p.Rows, p.Cols, p.Count = g.Out.Height-y, width, count
		c.output(p)
		at += count
		if !c.applies() {
			continue
		}
		for r := range min(c.tile, p.Rows) {
			c.apply(&g.Out, g.Out.Index(n, 0, y+r, x), width)
		}
	}
}
