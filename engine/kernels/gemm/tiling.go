package gemm

// tiling cuts the m rows of a product into tiles as equal as can be, the tiles
// into blocks, and pairs each block with each panel: these pairs are the units
// that workers take. Units of a block follow each other, so that a block of A
// stays in the cache while panels pass.
type tiling struct {
	m, tiles, blocks, panels int
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
	t := tiling{m: m, tiles: (m + k.MR - 1) / k.MR, panels: panels}
	t.blocks = min(t.tiles, (bytesA+k.blockBytes()-1)/k.blockBytes())
	if workers > 1 && t.blocks*panels < unitsPerWorker*workers {
		t.blocks = min(t.tiles, (unitsPerWorker*workers+panels-1)/panels)
	}
	return t
}

// units is the number of units.
func (t tiling) units() int { return t.blocks * t.panels }

// unit says which block and panel unit i is.
func (t tiling) unit(i int) (block, panel int) { return i / t.panels, i % t.panels }

// span is the range of tiles of a block.
func (t tiling) span(block int) (first, end int) {
	return block * t.tiles / t.blocks, (block + 1) * t.tiles / t.blocks
}

// row is where a tile starts; row(tiles) is m.
func (t tiling) row(tile int) int { return tile * t.m / t.tiles }

// height is the tallest tile's rows.
func (t tiling) height() int { return (t.m + t.tiles - 1) / t.tiles }

// Ahead hands out prefetch addresses: the panel that comes next, a part with
// each tile of the present one.
type Ahead struct {
	p          *Panels
	idle, next uintptr
	left       int  // bytes of the next panel not asked for yet
	sparse     bool // a line a pass is enough
}

// Over says how many tiles of about rows rows there are to spread the next panel
// over, and returns what their Sparse should be: so that few requests wait for
// memory at a time.
func (a *Ahead) Over(tiles, rows int) int {
	f := a.p.kernel.Format
	passes := a.p.taps * (a.p.k / f.stepK() / unroll)
	a.sparse = a.p.kernel.family == avx512 && rows > sparseHeight && a.left > 0 && tiles*passes*cacheLine >= a.left
	if a.sparse {
		return 1
	}
	return 0
}

// cached is the size of a B that may be expected to stay in the cache.
const cached = 256 << 10

// Ahead starts on panel i's successor, if B is too large to stay in the cache.
func (p *Panels) Ahead(i int) Ahead {
	if i+1 == p.Count() || p.Bytes() <= cached {
		return Ahead{p: p, idle: uintptr(p.panel(i))}
	}
	return p.aheadTo(i, p, i+1)
}

// AheadTo starts on the first panel of another B, which comes after panel i.
func (p *Panels) AheadTo(i int, next *Panels) Ahead { return p.aheadTo(i, next, 0) }

func (p *Panels) aheadTo(i int, next *Panels, panel int) Ahead {
	return Ahead{p: p, idle: uintptr(p.panel(i)), next: uintptr(next.panel(panel)), left: next.offset(panel+1) - next.offset(panel)}
}

// Take returns the address for a tile of the given height.
func (a *Ahead) Take(rows, width int) uintptr {
	if a.left <= 0 {
		return a.idle
	}
	at := a.next
	n := a.p.taps * a.p.tapLines(rows, width) * cacheLine
	if a.sparse {
		n = a.p.taps * (a.p.k / a.p.kernel.Format.stepK() / unroll) * cacheLine
	}
	a.next += uintptr(n)
	a.left -= n
	return at
}

const (
	unroll           = 4 // k steps in a kernel's main loop
	cacheLine        = 64
	sparseHeight     = 7 // the tallest tile without a sparse loop
	amxPrefetchLines = 8 // that the AMX kernels ask for with each chunk of k
)

// tapLines is how many lines a tile asks for in one tap.
func (p *Panels) tapLines(rows, width int) int {
	f := p.kernel.Format
	steps := p.k / f.stepK()
	if p.kernel.family == amx {
		return steps / amxChunk(p.k) * amxPrefetchLines
	}
	return steps / unroll * prefetchLines(rows, width*f.stepK()*f.valueBytes())
}

// prefetchLines is how many lines a kernel asks for in one pass of its main
// loop; the generator has the same function.
func prefetchLines(rows, step int) int {
	lines := unroll * step / cacheLine
	if rows > 4 {
		lines = max(1, lines/2)
	}
	return lines
}
