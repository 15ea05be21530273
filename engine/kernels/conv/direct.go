package conv

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// direct convolves as a matrix product whose rows are output pixels, whose
// columns are output channels, and whose k runs over taps: pieces of the window
// that are contiguous in the input. For a window of rows of C packed channels
// that is a tap per row, KernelW·C long; where channels are padded, a tap per
// element of the window, C long; of planes, a tap per channel and row, KernelW
// long. Nothing of the input is copied.
type direct struct {
	g      Geometry
	format gemm.Format
	clamp  gemm.Clamp
	bias   []float32
	groups []*gemm.Panels
	taps   []int64 // byte offsets from the window's first element, as the kernel lists them
	steps  int     // elements in a tap
	lines  lines
	spans  []span   // tiles of an image
	across bool     // that they run over the ends of lines
	view   Geometry // what tiles see: g, or the input's parts
	staged *staging // how the input is split into parts, or nil
}

// prepareDirectOf cuts tiles of at most so many rows.
func prepareDirectOf(rows int, arena *gemm.Arena, features cpu.Features, format gemm.Format, g Geometry, weights []float32, e gemm.Epilogue) *Plan {
	m, times := g.merged()
	g, weights = m, mergeFilters(g, times, weights)
	kernel := gemm.ChooseWhole(features, format, g.lines().pixels, g.Out.Channels/g.Groups, g.depth())
	return (&direct{g: g, view: g}).prepare(kernel, rows, arena, format, weights, e)
}

// prepare packs d's weights for a kernel.
func (d *direct) prepare(kernel gemm.Kernel, rows int, arena *gemm.Arena, format gemm.Format, weights []float32, e gemm.Epilogue) *Plan {
	g := d.g
	d.format, d.clamp, d.bias, d.lines = format, e.Clamp, e.Bias, d.view.lines()
	perGroup, outs := g.In.Channels/g.Groups, g.Out.Channels/g.Groups
	source := d.cut(perGroup)
	source.N, source.Column = outs, perGroup*g.KernelH*g.KernelW
	bytes := 0
	for i := range g.Groups {
		source.Data = weights[i*outs*source.Column : (i+1)*outs*source.Column]
		d.groups = append(d.groups, gemm.PackTaps(arena, kernel, source).Shorter(rows))
		bytes += d.groups[i].Bytes()
	}
	packed := d.groups[0].Kernel()
	d.taps = d.groups[0].TapList(d.taps)
	d.spans = d.lines.cut(packed.MR)
	if across := d.lines.cutAcross(packed.MR); packed.StepsOverGaps() && rowsWorth(across) < rowsWorth(d.spans) {
		d.spans, d.across = across, true
	}
	if through := d.lines.cutThrough(packed.MR); packed.LeavesGapsOut() && through != nil {
		d.spans = through
	}
	if pairs := d.lines.cutPairs(packed.MR); packed.Folds() && pairs != nil {
		d.spans = pairs
	}
	kernel.MR = d.tallest()
	scratch := 0
	if kernel.Splits() {
		scratch = d.stage(packed.MR)
	}
	for i := range d.spans {
		d.locate(&d.spans[i])
	}
	p := &Plan{geometry: g, class: "conv " + kernel.String(), format: format, bytes: bytes, scratch: scratch, bind: d.bind}
	if d.staged == nil {
		p.link = d.link
	}
	p.direct = d
	return p
}

// tallest is the most rows of a tile.
func (d *direct) tallest() int {
	rows := 1
	for _, x := range d.spans {
		rows = max(rows, x.rows)
	}
	return rows
}

// locate sets where a tile lies.
func (d *direct) locate(x *span) {
	v := &d.view
	x.in = (x.line*v.StrideH-v.PadTop)*v.In.RowPitch + (x.pixel*v.StrideW-v.PadLeft)*v.In.PixelPitch
	x.out = x.line*v.Out.RowPitch + x.pixel*v.Out.PixelPitch
	x.residual = x.line*v.Residual.RowPitch + x.pixel*v.Residual.PixelPitch
}

// MixedPays reports whether g in BF16 should beat FP32 on a processor with the
// given features: see gemm.MixedPays. Depthwise windows gain by reading less.
func (g Geometry) MixedPays(features cpu.Features) bool {
	if fitsDepthwise(features, gemm.BF16, g) {
		return features.Has(cpu.AVX512BF16) && compiled
	}
	g, _ = g.merged()
	d := &direct{view: g, format: gemm.BF16}
	return gemm.MixedPays(features, len(d.cut(g.In.Channels/g.Groups).K))
}

// cut divides the window into taps: it sets d.taps and d.steps and says where
// in a filter's weights each lies.
func (d *direct) cut(channels int) gemm.Source {
	g := d.view
	size := int64(4)
	if d.format == gemm.BF16 || d.staged != nil {
		size = 2
	}
	window := g.KernelH * g.KernelW
	var s gemm.Source
	tap := func(c, i, j int) {
		d.taps = append(d.taps, size*int64(c*g.In.PlanePitch+i*g.DilationH*g.In.RowPitch+j*g.DilationW*g.In.PixelPitch))
		s.Taps = append(s.Taps, c*window+i*g.KernelW+j)
	}
	switch {
	case g.In.planar() && g.DilationW == 1:
		for j := range g.KernelW {
			s.K = append(s.K, j)
		}
		for c := range channels {
			for i := range g.KernelH {
				tap(c, i, 0)
			}
		}
	case g.In.planar():
		s.K = []int{0}
		for c := range channels {
			for i := range g.KernelH {
				for j := range g.KernelW {
					tap(c, i, j)
				}
			}
		}
	case g.DilationW == 1 && g.In.PixelPitch == channels:
		for j := range g.KernelW {
			for c := range channels {
				s.K = append(s.K, c*window+j)
			}
		}
		for i := range g.KernelH {
			tap(0, i, 0)
		}
	default:
		for c := range channels {
			s.K = append(s.K, c*window)
		}
		for i := range g.KernelH {
			for j := range g.KernelW {
				tap(0, i, j)
			}
		}
	}
	d.steps = len(s.K)
	return s
}

// directCall is direct's work for one session. A unit is a block of tiles of
// one panel of one group; units of a block follow each other, so that its input
// stays in the cache while panels pass. Where a function follows, a unit is all
// of a block, if that neither leaves workers without one nor makes them fetch
// large weights more often.
type directCall struct {
	*direct
	memory
	part   func(c *directCall, worker, i int)
	tiles  int // of all images
	blocks int
	wholes int // blocks where a unit is all panels of one; 0 where those would be too few
	panels int // in a group
	work   []gemm.Tile

	first, count int // the tiles of the present stage: all, but where the input is split
	stage        *stage
	parts        gemm.Parts
	scaled       unsafe.Pointer // weights of this run, or nil
	strip        int            // bytes between workers' outputs; 0 where they write images
}

// A block may read so many bytes of input, half of a common L2, where weights
// are large: each block streams all of them. Where they are small, they stay in
// the cache, and all that a block touches beside them should too.
const (
	blockBytes      = 512 << 10
	smallWeights    = 256 << 10
	smallBlockBytes = 256 << 10
)

const unitsPerWorker = 4

func (d *direct) bind(workers int, scratch []byte) runner {
	c := &directCall{direct: d, work: d.groups[0].Tiles(workers, d.clamp)}
	c.tiles = d.g.N * len(d.spans)
	c.count = c.tiles
	c.panels = d.groups[0].Count()
	units := c.panels * d.g.Groups
	if d.staged != nil {
		c.parts = gemm.Parts{At: unsafe.Pointer(unsafe.SliceData(scratch)), Plane: d.staged.plane}
		c.blocks = 1
	} else {
		c.blocks = min(c.tiles, d.leastBlocks())
	}
	if workers > 1 && c.blocks*units < unitsPerWorker*workers {
		c.blocks = min(c.tiles, (unitsPerWorker*workers+units-1)/units)
	}
	switch least := max(c.blocks, min(c.tiles, unitsPerWorker*workers)); {
	case workers == 1:
		c.wholes = c.blocks
	case least >= 2*workers && d.groups[0].Bytes() <= smallWeights:
		c.wholes = least
	}
	for i := range c.work {
		t := &c.work[i]
		t.Taps, t.Tap = len(d.taps), &d.taps[0]
		if d.staged != nil {
			t.SetParts(c.parts, d.tallest())
		}
	}
	return c
}

// leastBlocks is how many blocks the cache asks for.
func (d *direct) leastBlocks() int {
	size := 4
	if d.format == gemm.BF16 {
		size = 2
	}
	bytes, limit := d.g.In.Size(d.g.N)*size, blockBytes
	if d.groups[0].Bytes() <= smallWeights {
		bytes += (d.g.Out.Size(d.g.N) + d.g.Residual.Size(d.g.N)) * size
		limit = smallBlockBytes
	}
	return (bytes + limit - 1) / limit
}

func (c *directCall) run(team *parallel.Team, m memory) {
	c.memory = m
	whole := c.applies() && c.wholes > 0 && !c.across
	if c.staged == nil {
		c.products(team, whole)
	} else {
		for i := range c.staged.stages {
			c.split(team, &c.staged.stages[i])
			c.products(team, whole)
		}
	}
	if c.applies() && !whole {
		c.part = (*directCall).row
		team.Run(c.g.N*c.g.Out.Height, c)
	}
}

// products computes the tiles of the present stage, and their functions if units
// are to be whole.
func (c *directCall) products(team *parallel.Team, whole bool) {
	if whole {
		c.part = (*directCall).whole
		team.Run(min(c.wholes, c.count), c)
		return
	}
	c.part = (*directCall).unit
	team.Run(min(c.blocks, c.count)*c.panels*c.g.Groups, c)
}

// Do computes part i.
func (c *directCall) Do(worker, i int) { c.part(c, worker, i) }

// unit computes one panel of a block.
func (c *directCall) unit(worker, i int) {
	panel, i := i%c.panels, i/c.panels
	group, block := i%c.g.Groups, i/c.g.Groups
	from, to := c.portion(block, c.blocks)
	c.multiply(worker, group, panel, from, to)
}

// whole computes all panels of a block and applies the function to it.
func (c *directCall) whole(worker, block int) {
	from, to := c.portion(block, c.wholes)
	c.allPanels(worker, from, to)
	c.finish(from, to)
}

// allPanels computes some tiles.
func (c *directCall) allPanels(worker, from, to int) {
	for group := range c.g.Groups {
		for panel := range c.panels {
			c.multiply(worker, group, panel, from, to)
		}
	}
}

// finish applies the function to some tiles.
func (c *directCall) finish(from, to int) {
	for tile := from; tile < to; tile++ {
		n, x := tile/len(c.spans), &c.spans[tile%len(c.spans)]
		first := x.rows
		if x.left > 0 {
			first = x.left
			c.apply(&c.g.Out, c.g.Out.Index(n, 0, x.line+1, 0), x.rows-first)
		}
		c.apply(&c.g.Out, c.g.Out.Index(n, 0, x.line, x.pixel), first)
	}
}

// portion is the range of tiles of a block of the present stage, of at most so many.
func (c *directCall) portion(block, blocks int) (from, to int) {
	blocks = min(blocks, c.count)
	return c.first + block*c.count/blocks, c.first + (block+1)*c.count/blocks
}

// row applies the function to one row of an image.
func (c *directCall) row(_, i int) {
	out := &c.g.Out
	c.apply(out, out.Index(i/out.Height, 0, i%out.Height, 0), out.Width)
}

// multiply computes a panel of some tiles.
func (c *directCall) multiply(worker, group, panel, tile, end int) {
	g := &c.g
	p := c.groups[group]
	t := &c.work[worker]
	routines := p.Load(t, panel, c.outBytes == 2)
	if c.scaled != nil {
		p.LoadScaled(t, panel, c.scaled)
	}
	channel := group*p.Columns() + p.First(panel)
	if c.bias != nil {
		t.Bias = unsafe.Pointer(&c.bias[channel])
	}
	view, in, size, skip := &c.view, c.in, c.inBytes, 0
	if c.staged != nil {
		in, size, skip = c.parts.At, 2, c.stage.skip
	}
	t.Lda = view.StrideW * view.In.PixelPitch * size
	t.Ldc = g.Out.PixelPitch * c.outBytes
	t.Ldr = g.Residual.PixelPitch * c.outBytes
	t.Gap = c.lines.gap
	if c.across {
		t.Line = c.lines.pixels
	}
	t.SkipC = (g.Out.RowPitch - g.Out.Width*g.Out.PixelPitch) * c.outBytes
	t.SkipR = (g.Residual.RowPitch - g.Residual.Width*g.Residual.PixelPitch) * c.outBytes
	n := tile / len(c.spans)
	from, to, add := view.In.Index(n, group*(g.In.Channels/g.Groups), 0, 0)-skip, g.Out.Index(n, channel, 0, 0), g.Residual.Index(n, channel, 0, 0)
	ahead := p.Ahead(panel, end-tile, tile == 0)
	if then := min(c.first+c.count, end+end-tile, (n+1)*len(c.spans)); view.StrideH*view.StrideW == 1 && end < then {
		next := c.spans[end%len(c.spans)].in
		ahead = p.AheadOf(panel, end-tile, tile == 0, unsafe.Add(in, (from+next)*size), (c.spans[then-1-n*len(c.spans)].in-next)*size)
	}
	for i := tile % len(c.spans); tile < end; tile++ {
		x := &c.spans[i]
		t.Rows, t.Left = x.rows, x.left
		t.A = unsafe.Add(in, (from+x.in)*size)
		t.C = unsafe.Add(c.out, worker*c.strip+(to+x.out)*c.outBytes)
		t.Residual = nil
		if c.residual != nil {
			t.Residual = unsafe.Add(c.residual, (add+x.residual)*c.outBytes)
		}
		ahead.Take(t)
		t.Compute(routines)
		if i++; i == len(c.spans) {
			i = 0
			from, to, add = from+view.In.ImagePitch, to+g.Out.ImagePitch, add+g.Residual.ImagePitch
		}
	}
	t.Finish(routines)
}
