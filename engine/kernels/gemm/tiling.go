package gemm

import "unsafe"

// tiling cuts the m rows of a product into tiles as equal as can be, the tiles
// into blocks, and pairs each block with each group of panels: these pairs are the
// units that workers take. A group is one panel, but where k is cut, too. Units of a block follow each other, so that a block of A
// stays in the cache while panels pass.
type tiling struct {
	m, tiles, blocks, panels, groups int
}

// blockBytes is how much of A may be in use at a time: half of a common L2, and
// of the larger one that all processors with tiles have.
func (k Kernel) blockBytes() int {
	if k.family == amx {
		return 1 << 20
	}
	return 512 << 10
}

// unitsPerWorker is how many units each worker should find, for balance.
const unitsPerWorker = 4

func newTiling(k Kernel, m, panels, bytesA, workers int) tiling {
	t := tiling{m: m, tiles: (m + k.MR - 1) / k.MR, panels: panels, groups: panels}
	t.blocks = min(t.tiles, (bytesA+k.blockBytes()-1)/k.blockBytes())
	if workers > 1 && t.blocks*panels < unitsPerWorker*workers {
		t.blocks = min(t.tiles, (unitsPerWorker*workers+panels-1)/panels)
	}
	return t
}

// join makes groups as large as leaves units for all workers.
func (t *tiling) join(workers int) {
	t.groups = 1
	if workers > 1 {
		t.groups = min(t.panels, (unitsPerWorker*workers+t.blocks-1)/t.blocks)
	}
}

// units is the number of units.
func (t tiling) units() int { return t.blocks * t.groups }

// unit says which block and group unit i is.
func (t tiling) unit(i int) (block, group int) { return i / t.groups, i % t.groups }

// group is the range of panels of a group.
func (t tiling) group(i int) (first, end int) {
	return i * t.panels / t.groups, (i + 1) * t.panels / t.groups
}

// span is the range of tiles of a block.
func (t tiling) span(block int) (first, end int) {
	return block * t.tiles / t.blocks, (block + 1) * t.tiles / t.blocks
}

// row is where a tile starts; row(tiles) is m.
func (t tiling) row(tile int) int { return tile * t.m / t.tiles }

// height is the tallest tile's rows.
func (t tiling) height() int { return (t.m + t.tiles - 1) / t.tiles }

// Ahead lets tiles fetch the panel that comes next, each a part of it, as evenly
// spread over their work as can be: memory is slowest where it is asked for more
// than it can give.
type Ahead struct {
	p          *Panels
	idle, next uintptr
	left       int // bytes of the next panel not asked for yet
	tiles      int // to come

	rows, sparse, bytes int // of such tiles, the way each fetches, and how much
}

// cached is the size of a B that may be expected to stay in the cache.
const cached = 256 << 10

// streams reports whether B is too large to stay in the cache.
func (p *Panels) streams() bool { return p.Bytes() > cached }

// fetches reports whether panels are to be fetched: always, if B is too large to
// stay in the cache, and else when they are used for the first time in a run, where
// tiles ask for as many lines whether they are wanted or not.
func (p *Panels) fetches(first bool) bool {
	return p.streams() || first && p.kernel.StepsOverGaps()
}

// Ahead starts on panel i's successor, for a number of tiles, if that may not lie in
// the cache; first says that none of B has been used in this run.
func (p *Panels) Ahead(i, tiles int, first bool) Ahead {
	if p.First(i+1) >= p.n || !p.fetches(first) {
		return p.Idle(i)
	}
	return p.AheadTo(i, p, i+1, tiles)
}

// Idle fetches nothing while panel i is multiplied.
func (p *Panels) Idle(i int) Ahead { return Ahead{p: p, idle: uintptr(p.panel(i))} }

// AheadOf is Ahead, but where that would fetch nothing, tiles fetch what comes next
// in other memory: of its bytes, panel i as many as any panel.
func (p *Panels) AheadOf(i, tiles int, first bool, at unsafe.Pointer, bytes int) Ahead {
	if p.streams() || p.kernel.StepsOverGaps() {
		return p.Ahead(i, tiles, first)
	}
	from, end := i*bytes/p.Count(), (i+1)*bytes/p.Count()
	return Ahead{p: p, idle: uintptr(p.panel(i)), next: uintptr(at) + uintptr(from), left: end - from, tiles: tiles}
}

// AheadTo starts on a panel of this or another B, which comes after panel i.
func (p *Panels) AheadTo(i int, next *Panels, panel, tiles int) Ahead {
	return Ahead{p: p, idle: uintptr(p.panel(i)), next: uintptr(next.panel(panel)), left: next.offset(panel+1) - next.offset(panel), tiles: tiles}
}

// Take lets t, whose rows are set, fetch its part.
func (a *Ahead) Take(t *Tile) {
	if a.left <= 0 {
		t.Prefetch, t.Sparse = a.idle, sparsest
		return
	}
	if a.rows == 0 || (a.rows > shortRows) != (t.Rows > shortRows) {
		a.spread(t)
	}
	t.Prefetch, t.Sparse = a.next, a.sparse
	a.next += uintptr(a.bytes)
	a.left -= a.bytes
	a.tiles--
}

// spread finds the sparsest way for tiles like t to fetch all that is left.
func (a *Ahead) spread(t *Tile) {
	a.rows, a.sparse, a.bytes = t.Rows, 0, a.p.fetched(t, 0)
	for a.sparse < sparsest {
		thinner := 2*a.sparse + unroll
		fewer := a.p.fetched(t, thinner)
		if fewer*a.tiles < a.left {
			break
		}
		a.sparse, a.bytes = thinner, fewer
	}
}

const (
	unroll           = 4           // k steps in a kernel's main loop
	shortRows        = 4           // a tile of no more fetches all of the next panel, of more half: those are alike
	sparsest         = 15 * unroll // a Tile's Sparse: every pass of the loop fetches at 0, one in 16 here
	cacheLine        = 64
	slabLines        = 12 // of a chunk of k, by parts
	splitLines       = 16 // where B is split
	amxPrefetchLines = 8  // of bfloat16
)

// fetched is how many bytes a tile asks for that is so sparse.
func (p *Panels) fetched(t *Tile, sparse int) int {
	f := p.kernel.Format
	steps := p.k / f.stepK()
	switch p.kernel.family {
	case amx:
		return p.taps * (steps / amxChunk(p.k)) * amxPrefetchLines * cacheLine
	case amxParts:
		return t.Taps * slabLines * cacheLine
	case amxSlabs:
		return t.Taps * splitLines * cacheLine
	}
	every := sparse/unroll + 1
	passes := (steps/unroll + every - 1) / every
	return p.taps * passes * prefetchLines(t.Rows, t.Width*f.stepK()*f.valueBytes()) * cacheLine
}

// prefetchLines is how many lines a kernel asks for in one pass of its main
// loop; the generator has the same function.
func prefetchLines(rows, step int) int {
	lines := unroll * step / cacheLine
	if rows > shortRows {
		lines = max(1, lines/2)
	}
	return lines
}
