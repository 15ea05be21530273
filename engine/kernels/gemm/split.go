package gemm

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

// stages cuts a product whose A is split into parts: A is taken in blocks of rows
// and of k that, split, stay in the cache while all panels pass. Blocks of k are
// the outer ones; the sums of one wait in C for the next.
type stages struct {
	m, k  int
	rows  int // in a block
	depth int // of k in a block: a multiple of partsChunk but for the last
	pitch int // bytes between the rows of a block
	plane int // bytes between its parts

	overshoot int // rows that tiles may read after a block's
}

const (
	splitBytes = 1 << 20 // of a block: half of the L2 of processors with tiles
	splitRows  = 256     // that a block has rather than all of k
	splitDepth = 512     // of k that it has at least
)

func newStages(p *Panels, m int) stages {
	each := partsOf * 2
	s := stages{m: m, k: p.k, depth: PartsWidth(p.k), overshoot: p.kernel.Overshoot()}
	if most := max(splitDepth, splitBytes/(each*min(m, splitRows))); s.depth > most {
		blocks := (p.k + most - 1) / most
		s.depth = PartsWidth((p.k + blocks - 1) / blocks)
	}
	s.rows = m
	if most := max(splitBytes/(each*s.depth), p.kernel.MR); m > most {
		s.rows = height(m, most)
	}
	s.plane = 2 * s.depth
	s.pitch = partsOf*s.plane | cacheLine // an odd number of lines, so that rows start in sets of their own
	return s
}

// bytes is the room for a block.
func (s stages) bytes() int { return (s.rows + s.overshoot) * s.pitch }

// split is a Call's work by stages: in each, first rows are split, then panels
// multiplied.
type split struct {
	stages
	parts    Parts
	chunks   []int64 // taps, where each is a chunk
	row, k   int     // where the present block starts
	rows     int     // it has
	length   int     // of k it has
	portions int     // of its rows, for units
}

func (p *Panels) bindSplit(m, workers int, e Epilogue) *Call {
	c := &Call{panels: p, m: m, clamp: e.Clamp, bias: e.Bias, work: p.Tiles(workers, e.Clamp)}
	c.split = &split{stages: newStages(p, m), chunks: p.TapList([]int64{0})}
	c.split.parts.Plane = c.split.plane
	c.tiles = tiling{m: m, tiles: (m + p.kernel.MR - 1) / p.kernel.MR}
	c.split.portions = 1
	if tiles := c.split.stages.rows / p.kernel.MR; workers > 1 && p.Count() < unitsPerWorker*workers {
		c.split.portions = max(1, min(tiles, (unitsPerWorker*workers+p.Count()-1)/p.Count()))
	}
	for i := range c.work {
		t := &c.work[i]
		t.Tap = &c.split.chunks[0]
		t.Lda = c.split.pitch
		t.SetParts(c.split.parts, height(c.split.stages.rows, p.kernel.MR))
	}
	return c
}

// runSplit goes through the stages. A call that was lent nothing allocates its own
// memory the first time.
func (c *Call) runSplit(team *parallel.Team) {
	s := c.split
	if s.parts.At == nil {
		s.parts.At = (*Arena)(nil).Allocate(s.bytes()).Pointer()
	}
	for s.k = 0; s.k < s.stages.k; s.k += s.depth {
		s.length = min(s.depth, s.stages.k-s.k)
		for s.row = 0; s.row < c.m; s.row += s.stages.rows {
			s.rows = min(s.stages.rows, c.m-s.row)
			team.Run((s.rows+splitTask-1)/splitTask, (*splitting)(c))
			team.Run(s.portions*c.panels.Count(), c)
		}
	}
}

// splitTask is how many rows a worker splits at a time.
const splitTask = 8

// splitting are the tasks of splitting a block.
type splitting Call

// Do splits a few rows.
func (c *splitting) Do(_, task int) {
	s := c.split
	for row := task * splitTask; row < min((task+1)*splitTask, s.rows); row++ {
		s.parts.Put(row*s.pitch, unsafe.Add(c.a, (s.row+row)*c.lda+4*s.k), s.length, PartsWidth(s.length))
	}
}

// splitUnit multiplies a portion of the block's rows by a panel.
func (c *Call) splitUnit(worker, i int) {
	p, s, t := c.panels, c.split, &c.work[worker]
	portion, panel := i/p.Count(), i%p.Count()
	routines := p.Load(t, panel, false)
	chunks := PartsWidth(s.length) / partsChunk
	chunk := p.chunkBytes(panel)
	t.B = unsafe.Add(t.B, s.k/partsChunk*chunk)
	t.Odd = s.length
	t.Taps = chunks
	t.Ldc, t.Ldr = c.ldc, c.ldr
	t.Lo, t.Hi = c.clamp.Lo, c.clamp.Hi
	residual := c.residual
	if s.k > 0 {
		residual, t.Ldr = c.c, c.ldc
	} else if c.bias != nil {
		t.Bias = unsafe.Pointer(&c.bias[p.First(panel)])
	}
	if s.k+s.length < s.stages.k {
		t.Lo, t.Hi = Unbounded().Lo, Unbounded().Hi
	}
	first, end := portion*s.rows/s.portions, (portion+1)*s.rows/s.portions
	rows := tiling{m: end - first, tiles: (end - first + p.kernel.MR - 1) / p.kernel.MR}
	ahead := c.splitAhead(panel, chunks*chunk, rows.tiles)
	for tile := range rows.tiles {
		row := first + rows.row(tile)
		t.Rows = first + rows.row(tile+1) - row
		t.A = unsafe.Add(s.parts.At, row*s.pitch)
		t.C = unsafe.Add(c.c, (s.row+row)*c.ldc+4*p.First(panel))
		t.Residual = nil
		if residual != nil {
			t.Residual = unsafe.Add(residual, (s.row+row)*t.Ldr+4*p.First(panel))
		}
		ahead.Take(t)
		t.Compute(routines)
	}
	t.Finish(routines)
}

// splitAhead starts on the part of B that comes after a block of k of a panel.
func (c *Call) splitAhead(panel, bytes, tiles int) Ahead {
	p, s := c.panels, c.split
	ahead := Ahead{p: p, idle: uintptr(p.panel(panel)), left: bytes, tiles: tiles}
	switch next := panel + 1; {
	case !p.fetches(s.row == 0):
		ahead.left = 0
	case next < p.Count():
		ahead.next = uintptr(unsafe.Add(p.panel(next), s.k/partsChunk*p.chunkBytes(next)))
	case s.row+s.rows < c.m:
		ahead.next = uintptr(unsafe.Add(p.panel(0), s.k/partsChunk*p.chunkBytes(0)))
	case s.k+s.length < s.stages.k:
		ahead.next = uintptr(unsafe.Add(p.panel(0), (s.k+s.length)/partsChunk*p.chunkBytes(0)))
	default:
		ahead.left = 0
	}
	return ahead
}
