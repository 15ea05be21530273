package gemm

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

// Call is a product A·B bound to one session: its shape, its epilogue and the
// memory that a run changes. It is not safe for concurrent use.
type Call struct {
	panels *Panels
	m      int
	depth  int // elements of k that are multiplied at a time: k itself, or less if C is binary32
	tiles  tiling
	clamp  Clamp
	cuts   Panels // describes the blocks of k
	bias   []float32
	work   []Tile         // one per worker
	tap    int64          // the tap list of a plain product
	near   unsafe.Pointer // room for a copy of A, or nil
	split  *split         // how A is split, if the kernel wants its parts

	operands
}

// operands is what Run was given.
type operands struct {
	a, c, residual unsafe.Pointer
	lda, ldc, ldr  int // bytes
	valueBytes     int // of C
}

// Bind prepares products of m rows for a session whose team has at most workers
// threads. A bias that is not one value per column is an error.
func (p *Panels) Bind(m, workers int, e Epilogue) (*Call, error) {
	if m < 1 || workers < 1 {
		return nil, fmt.Errorf("gemm: bind %d rows for %d threads", m, workers)
	}
	if p.taps != 1 {
		panic("gemm: Bind of panels with taps")
	}
	if e.Bias != nil && len(e.Bias) != p.n {
		return nil, fmt.Errorf("gemm: %d bias values for %d columns", len(e.Bias), p.n)
	}
	if p.kernel.Splits() {
		return p.bindSplit(m, workers, e), nil
	}
	c := &Call{panels: p, m: m, depth: p.depthOf(m), clamp: e.Clamp, bias: e.Bias, work: p.Tiles(workers, e.Clamp)}
	c.tiles = newTiling(p.kernel, m, p.Count(), m*c.depth*p.kernel.Format.elementBytes(), workers)
	if c.depth < p.k {
		c.tiles.join(workers)
		c.cuts = Panels{kernel: p.kernel, taps: 1, k: c.depth, n: p.n}
	}
	for i := range c.work {
		c.work[i].Taps, c.work[i].Tap = 1, &c.tap
	}
	return c, nil
}

// lineBytes is the size of one row of A.
func (p *Panels) lineBytes() int { return p.k * p.kernel.Format.elementBytes() }

// Kernel is the tile that does most of the work.
func (c *Call) Kernel() Kernel {
	k := c.panels.kernel
	k.MR, k.NR = c.tiles.height(), c.panels.width(0)
	return k
}

// Run computes C. A is m×k, of the kernel's format: bfloat16 for BF16, binary32
// else. C is m×n, binary32, or for BF16 either. A residual, if it is not the
// zero Matrix, is m×n of C's type. The team has at most as many threads as
// the call was bound for. Matrices that do not fit panic; Run allocates nothing.
func (c *Call) Run(team *parallel.Team, a, out, residual Matrix) {
	if team.Size() > len(c.work) {
		panic("gemm: team is larger than the call was bound for")
	}
	p := c.panels
	mixed := p.kernel.Format == BF16
	c.a, c.lda = address("A", a, c.m, p.k, mixed)
	bf16Out := out.BF16 != nil
	if bf16Out && !mixed {
		panic("gemm: bfloat16 C of a " + p.kernel.Format.String() + " product")
	}
	c.c, c.ldc = address("C", out, c.m, p.n, bf16Out)
	c.residual, c.ldr = nil, 0
	if residual.F32 != nil || residual.BF16 != nil {
		c.residual, c.ldr = address("residual", residual, c.m, p.n, bf16Out)
	}
	c.valueBytes = 4
	if bf16Out {
		c.valueBytes = 2
	}
	if c.split != nil {
		c.runSplit(team)
		return
	}
	if c.near != nil {
		c.bring(team)
	}
	team.Run(c.tiles.units(), c)
}

// address is where a matrix starts and how many bytes its rows are apart.
func address(what string, m Matrix, rows, cols int, bf16 bool) (unsafe.Pointer, int) {
	size, have := 4, len(m.F32)
	p := unsafe.Pointer(unsafe.SliceData(m.F32))
	if bf16 {
		size, have = 2, len(m.BF16)
		p = unsafe.Pointer(unsafe.SliceData(m.BF16))
	}
	if m.Stride < cols && rows > 1 || have < (rows-1)*m.Stride+cols {
		panic(fmt.Sprintf("gemm: %s of %d elements with rows %d apart does not hold %dx%d", what, have, m.Stride, rows, cols))
	}
	return p, m.Stride * size
}

// Do computes one unit: a block of rows of the columns of a few panels, one
// block of k after the other.
func (c *Call) Do(worker, i int) {
	p := c.panels
	if c.split != nil {
		c.splitUnit(worker, i)
		return
	}
	block, group := c.tiles.unit(i)
	first, end := c.tiles.group(group)
	for k := 0; k < p.k; k += c.depth {
		for panel := first; panel < end; panel++ {
			t := &c.work[worker]
			routines := p.Load(t, panel, c.valueBytes == 2)
			tile, last := c.tiles.span(block)
			ahead := p.Ahead(panel, last-tile, block == 0)
			if c.depth < p.k {
				ahead = c.cut(t, panel, k, group)
				ahead.tiles = last - tile
			}
			c.multiply(t, routines, ahead, block, panel, k)
		}
	}
}

// multiply adds to C's elements of a block of rows and of a panel, which t is
// loaded with, the products of the block of k that starts at element k.
func (c *Call) multiply(t *Tile, routines []func(*Tile), ahead Ahead, block, panel, k int) {
	p := c.panels
	t.Lda, t.Ldc, t.Ldr = c.lda, c.ldc, c.ldr
	a, residual := unsafe.Add(c.a, k*p.kernel.Format.elementBytes()), c.residual
	if k > 0 {
		residual, t.Ldr = c.c, c.ldc
	}
	if c.near != nil {
		a, t.Lda = c.nearRow(0, k), c.nearStride()
	}
	if c.bias != nil && k == 0 {
		t.Bias = unsafe.Pointer(&c.bias[p.First(panel)])
	}
	column := p.First(panel) * c.valueBytes
	tile, end := c.tiles.span(block)
	for ; tile < end; tile++ {
		row := c.tiles.row(tile)
		t.Rows = c.tiles.row(tile+1) - row
		t.A = unsafe.Add(a, row*t.Lda)
		t.C = unsafe.Add(c.c, row*c.ldc+column)
		t.Residual = nil
		if residual != nil {
			t.Residual = unsafe.Add(residual, row*t.Ldr+column)
		}
		ahead.Take(t)
		t.Compute(routines)
	}
	t.Finish(routines)
}
