package quant

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

// Call is a Plan bound to one session. It is not safe for concurrent use.
type Call struct {
	plan    *Plan
	tiles   int // of all images
	blocks  int
	in, out unsafe.Pointer
	size    int // bytes of an output
	bias    unsafe.Pointer
	own     []int32 // the bias, where it is this call's
	work    []worker
}

// worker is what one worker's calls of kernels take.
type worker struct {
	tile       Tile
	amx        tiles
	sums       []int32
	requantize Requantize
	window     Window
	_          [64]byte
}

// A block reads so many bytes of input, half of a common L2; there are so many units of work for each worker.
const (
	blockBytes     = 256 << 10
	unitsPerWorker = 4
)

// Bind prepares runs of a session whose team has at most workers threads.
func (p *Plan) Bind(workers int) *Call {
	g := &p.Geometry
	c := &Call{plan: p, size: 1, work: make([]worker, workers), bias: p.bias.Pointer()}
	if p.depthwise {
		return c
	}
	if p.Scale == nil {
		c.size = 4
	}
	c.tiles = g.N * len(p.spans)
	units := len(p.panels) * g.Groups
	c.blocks = min(c.tiles, (g.In.Size(g.N)+blockBytes-1)/blockBytes)
	if workers > 1 && c.blocks*units < unitsPerWorker*workers {
		c.blocks = min(c.tiles, (unitsPerWorker*workers+units-1)/units)
	}
	lo, hi, zero := p.Out.bounds()
	for i := range c.work {
		w := &c.work[i]
		w.tile = Tile{Taps: len(p.taps), Tap: &p.taps[0], Steps: p.steps, Lda: g.StrideW * g.In.PixelPitch, Ldc: g.Out.PixelPitch * c.size, Lo: lo, Hi: hi, Zero: zero}
		if p.kernel.family != amxint8 {
			continue
		}
		w.sums = make([]int32, tileJobs*sumsOfJob+tileBytes/4)
		for uintptr(unsafe.Pointer(&w.sums[0]))%tileBytes != 0 {
			w.sums = w.sums[1:]
		}
		chunks, size := chunksOf(p.steps)
		w.amx = tiles{chunks: chunks, chunkBytes: size * stepBytes, taps: len(p.taps), tap: &p.taps[0], lda: w.tile.Lda, sums: unsafe.Pointer(&w.sums[0])}
		w.requantize = Requantize{lo: lo, hi: hi, zero: zero, dstStep: w.tile.Ldc}
	}
	return c
}

// SetZero makes zero the input's zero point in runs to come, in place of the plan's.
func (c *Call) SetZero(zero uint8) {
	p := c.plan
	if c.own == nil {
		c.own = make([]int32, len(p.bias.Int32s()))
		c.bias = unsafe.Pointer(&c.own[0])
	}
	p.beginnings(c.own, zero)
}

// Run convolves: out receives bytes, or sums of int32 where the plan has no scales. Slices hold images as the plan's Geometry lays
// them out, in with Slack readable bytes behind; one that is too small panics.
func (c *Call) Run(team *parallel.Team, in, out []byte) {
	g := &c.plan.Geometry
	if team.Size() > len(c.work) {
		panic("quant: team is larger than the call was bound for")
	}
	if len(in) < g.In.Size(g.N) || len(out) < g.Out.Size(g.N)*c.size {
		panic(fmt.Sprintf("quant: %d bytes of input and %d of output for %d and %d", len(in), len(out), g.In.Size(g.N), g.Out.Size(g.N)*c.size))
	}
	c.in, c.out = unsafe.Pointer(unsafe.SliceData(in)), unsafe.Pointer(unsafe.SliceData(out))
	if c.plan.depthwise {
		team.Run(g.N*g.Out.Height, c)
		return
	}
	team.Run(c.blocks*len(c.plan.panels)*g.Groups, c)
}

// Do computes one unit: a block of tiles of one panel of one group, or a row of a depthwise convolution.
func (c *Call) Do(worker, i int) {
	p := c.plan
	w := &c.work[worker]
	if p.depthwise {
		c.row(w, i)
		return
	}
	x, i := &p.panels[i%len(p.panels)], i/len(p.panels)
	group, block := i%p.Groups, i/p.Groups
	column := group*p.padded + x.first
	t := &w.tile
	t.B = unsafe.Add(p.weights.Pointer(), group*p.group+x.offset)
	t.Bias = unsafe.Add(c.bias, 4*column)
	if p.Scale != nil {
		t.Scale = unsafe.Add(p.scale.Pointer(), 4*column)
	}
	t.Width, t.Cols = x.width, x.columns
	first, end := block*c.tiles/c.blocks, (block+1)*c.tiles/c.blocks
	if p.kernel.family == amxint8 {
		c.tilesOf(w, first, end, group, x)
		return
	}
	for tile := first; tile < end; tile++ {
		s := c.place(t, tile, group, x)
		t.Rows = s.rows
		if p.kernel.family == reference {
			tileReference(t)
			continue
		}
		compiledTile(p.kernel.family, s.rows, x.width)(t)
	}
}

// place sets where a tile's A and C lie.
func (c *Call) place(t *Tile, tile, group int, x *panel) *span {
	p := c.plan
	g := &p.Geometry
	n, s := tile/len(p.spans), &p.spans[tile%len(p.spans)]
	t.A = unsafe.Add(c.in, g.In.Index(n, group*(g.In.Channels/g.Groups), s.line*g.StrideH-g.PadTop, s.pixel*g.StrideW-g.PadLeft))
	t.C = unsafe.Add(c.out, g.Out.Index(n, group*(g.Out.Channels/g.Groups)+x.first, s.line, s.pixel)*c.size)
	return s
}

// tilesOf computes tiles from first to end with AMX, as many of one height at a time as a call takes.
func (c *Call) tilesOf(w *worker, first, end, group int, x *panel) {
	s, t := &w.amx, &w.tile
	s.b, s.bias = t.B, t.Bias
	var to [tileJobs]unsafe.Pointer
	for first < end {
		rows := c.place(t, first, group, x).rows
		count := 0
		for ; first < end && count < tileJobs; first++ {
			if c.place(t, first, group, x).rows != rows {
				break
			}
			s.a[count], to[count] = t.A, t.C
			count++
		}
		s.count = count
		s.configure(rows, x.width)
		compiledAMX(rows, x.width)(s)
		for j := range count {
			c.finish(w, unsafe.Pointer(&w.sums[j*sumsOfJob]), to[j], rows)
		}
	}
}

// finish brings the sums of a job to their place.
func (c *Call) finish(w *worker, sums, to unsafe.Pointer, rows int) {
	t, r := &w.tile, &w.requantize
	if t.Scale == nil {
		for i := range rows {
			src := unsafe.Slice((*int32)(unsafe.Add(sums, 4*i*t.Width)), t.Cols)
			copy(unsafe.Slice((*int32)(unsafe.Add(to, i*t.Ldc)), t.Cols), src)
		}
		return
	}
	r.src, r.dst, r.srcStep = sums, to, 4*t.Width
	r.rows, r.cols, r.scale = rows, t.Cols, t.Scale
	c.plan.funcs.requantize(r)
}
