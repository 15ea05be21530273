package gemm

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
)

// Products describes C[i] = clamp(A[i]·B[i]) for many A of M×K and B of K×N that
// lie in one buffer each and are known only when they are multiplied. Offsets
// are the elements at which matrices start; the lists are equally long. Several
// products may share an A or a B.
type Products struct {
	Format     Format // FP32 or BF16
	M, N, K    int
	A, B, C    []int // offsets
	Transposed bool  // B lies as N×K
	Clamp      Clamp
}

// Batch is Products bound to one session. It is not safe for concurrent use.
type Batch struct {
	Products
	kernel     Kernel
	tiles      tiling
	layout     Panels // of one B, without memory
	lastA      int    // largest offsets
	lastB      int
	lastC      int
	work       []batchWorker
	a, b, c    unsafe.Pointer
	lda, ldc   int // bytes
	ldb        int // elements
	valueBytes int // of C
}

// batchWorker is what one thread needs: a packed panel and a tile.
type batchWorker struct {
	tile  Tile
	panel Block
	tap   int64
}

// Bind prepares runs on a session whose team has at most workers threads.
func (p Products) Bind(features cpu.Features, workers int) (*Batch, error) {
	if p.M < 1 || p.N < 1 || p.K < 1 || workers < 1 {
		return nil, fmt.Errorf("gemm: products of %dx%dx%d for %d threads", p.M, p.N, p.K, workers)
	}
	if len(p.A) == 0 || len(p.A) != len(p.B) || len(p.A) != len(p.C) {
		return nil, fmt.Errorf("gemm: products of %d times %d matrices to %d", len(p.A), len(p.B), len(p.C))
	}
	if p.Format == FP16 {
		return nil, fmt.Errorf("gemm: products with B in %v", p.Format)
	}
	b := &Batch{Products: p, kernel: ChooseWhole(features, p.Format, p.M, p.N, p.K)}
	b.layout = Panels{kernel: b.kernel.widest(), taps: 1, k: p.K, n: p.N}
	var err error
	for _, x := range []struct {
		name    string
		offsets []int
		last    *int
	}{{"A", p.A, &b.lastA}, {"B", p.B, &b.lastB}, {"C", p.C, &b.lastC}} {
		if *x.last, err = largest(x.name, x.offsets); err != nil {
			return nil, err
		}
	}
	b.tiles = newTiling(b.layout.kernel, p.M, b.layout.Count()*len(p.A), 1, workers)
	b.work = make([]batchWorker, workers)
	for i, t := range b.layout.Tiles(workers, p.Clamp) {
		w := &b.work[i]
		w.panel = (*Arena)(nil).Allocate(b.layout.kernel.NR * b.layout.columnBytes())
		w.tile = t
		w.tile.Taps, w.tile.Tap = 1, &w.tap
	}
	return b, nil
}

func largest(name string, offsets []int) (int, error) {
	last := 0
	for _, o := range offsets {
		if o < 0 {
			return 0, fmt.Errorf("gemm: products with %s at element %d", name, o)
		}
		last = max(last, o)
	}
	return last, nil
}

// Kernel is the tile that does the work.
func (b *Batch) Kernel() Kernel { return b.kernel }

// Run computes all products. A and B are of the products' format, C is binary32
// or, for BF16, either; the strides are between rows of one matrix. The team has
// at most as many threads as the batch was bound for. Matrices that do not fit
// panic; Run allocates nothing.
func (b *Batch) Run(team *parallel.Team, a, bs, c Matrix) {
	if team.Size() > len(b.work) {
		panic("gemm: team is larger than the batch was bound for")
	}
	mixed := b.Format == BF16
	rows, cols := b.K, b.N
	if b.Transposed {
		rows, cols = cols, rows
	}
	b.a, b.lda = address("A", from(a, b.lastA), b.M, b.K, mixed)
	b.b, b.ldb = address("B", from(bs, b.lastB), rows, cols, mixed)
	b.ldb = bs.Stride
	b.valueBytes = 4
	if c.BF16 != nil {
		b.valueBytes = 2
		if !mixed {
			panic("gemm: bfloat16 C of fp32 products")
		}
	}
	b.c, b.ldc = address("C", from(c, b.lastC), b.M, b.N, c.BF16 != nil)
	size := b.Format.valueBytes()
	b.a = unsafe.Add(b.a, -b.lastA*size)
	b.b = unsafe.Add(b.b, -b.lastB*size)
	b.c = unsafe.Add(b.c, -b.lastC*b.valueBytes)
	team.Run(b.tiles.units(), b)
}

// from is m without its first elements.
func from(m Matrix, first int) Matrix {
	if m.BF16 != nil {
		m.BF16 = m.BF16[min(first, len(m.BF16)):]
	}
	if m.F32 != nil {
		m.F32 = m.F32[min(first, len(m.F32)):]
	}
	return m
}

// Do computes a block of rows of one panel of one product.
func (b *Batch) Do(worker, i int) {
	block, unit := b.tiles.unit(i)
	count := b.layout.Count()
	product, panel := unit/count, unit%count
	w := &b.work[worker]
	t := &w.tile
	t.B = w.panel.Pointer()
	t.Cols, t.Width = b.layout.columns(panel), b.layout.width(panel)
	from := operandB{unsafe.Add(b.b, b.B[product]*b.Format.valueBytes()), b.ldb, b.K, b.Transposed}
	b.layout.packFrom(w.panel, panel, from)
	routines := b.layout.kernel.routines(t.Width, b.valueBytes == 2)
	t.Lda, t.Ldc = b.lda, b.ldc
	t.Prefetch, t.Sparse = uintptr(t.B), sparsest
	a := unsafe.Add(b.a, b.A[product]*b.Format.valueBytes())
	c := unsafe.Add(b.c, (b.C[product]+b.layout.First(panel))*b.valueBytes)
	tile, end := b.tiles.span(block)
	for ; tile < end; tile++ {
		row := b.tiles.row(tile)
		t.Rows = b.tiles.row(tile+1) - row
		t.A = unsafe.Add(a, row*b.lda)
		t.C = unsafe.Add(c, row*b.ldc)
		t.Compute(routines)
	}
	t.Finish(routines)
}
