package gemm

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
)

// Local multiplies in one goroutine by a B that is known only at run time:
// SetB packs one, Multiply uses it as often as it likes. It allocates only when
// it is made.
type Local struct {
	layout Panels
	pad    bool
	block  Block
	each   int // bytes of the largest panel
	tile   Tile
	tap    int64
}

// NewLocal makes room for B of up to k×n in FP32 or BF16. With pad, Depth may
// be more than a B's k, so that faster tiles fit.
func NewLocal(features cpu.Features, format Format, n, k int, pad bool) *Local {
	if format == FP16 || n < 1 || k < 1 {
		panic(fmt.Sprintf("gemm: a local %v product with %dx%d", format, k, n))
	}
	l := &Local{pad: pad && format == BF16}
	l.layout = Panels{taps: 1, k: l.padded(k), n: n}
	l.layout.kernel = ChooseWhole(features, format, 1, n, l.layout.k).widest()
	l.each = l.layout.kernel.NR * l.layout.columnBytes()
	l.block = (*Arena)(nil).Allocate(l.layout.Count() * l.each)
	l.tile = l.layout.Tiles(1, Unbounded())[0]
	l.tile.Taps, l.tile.Tap = 1, &l.tap
	return l
}

// padded is the depth of products for a B of k rows.
func (l *Local) padded(k int) int {
	if l.pad {
		return (k + 2*amxPairs - 1) &^ (2*amxPairs - 1)
	}
	return k
}

// Kernel is the tile that does the work.
func (l *Local) Kernel() Kernel { return l.layout.kernel }

// SetB packs B: k×n, or n×k if transposed. B must not be larger than the Local
// has room for, nor have another k than it was made for unless it pads.
func (l *Local) SetB(b Matrix, n, k int, transposed bool) {
	p := &l.layout
	p.n, p.k = n, l.padded(k)
	if !p.kernel.takes(p.k) || p.kernel.NR*p.columnBytes() > l.each || p.Count()*l.each > l.block.Len() {
		panic(fmt.Sprintf("gemm: no room for a %dx%d B", k, n))
	}
	rows, cols := k, n
	if transposed {
		rows, cols = n, k
	}
	at, _ := address("B", b, rows, cols, p.kernel.Format == BF16)
	from := operandB{at, b.Stride, k, transposed}
	for i := range p.Count() {
		p.packFrom(l.panel(i), i, from)
	}
	step := p.kernel.Format.stepK()
	l.tile.K, l.tile.Odd = p.k/step, p.k%step
}

func (l *Local) panel(i int) Block {
	return Block{l.block.arena, l.block.bytes[i*l.each:][:l.each:l.each]}
}

// Depth is the number of columns of A that Multiply reads: B's k, or more if
// the Local pads. What they hold beyond k is multiplied by zeros, so it must be
// finite.
func (l *Local) Depth() int { return l.layout.k }

// Multiply computes C = A·B of m rows, or C += A·B. A is of the product's
// format, C is binary32.
func (l *Local) Multiply(m int, a, c Matrix, add bool) {
	p := &l.layout
	from, lda := address("A", a, m, p.k, p.kernel.Format == BF16)
	to, ldc := address("C", c, m, p.n, false)
	t := &l.tile
	t.Lda, t.Ldc, t.Ldr = lda, ldc, ldc
	tiles := tiling{m: m, tiles: (m + p.kernel.MR - 1) / p.kernel.MR}
	for i := range p.Count() {
		t.B = l.panel(i).Pointer()
		t.Cols, t.Width = p.columns(i), p.width(i)
		t.Prefetch = uintptr(t.B)
		routines := p.kernel.routines(t.Width, false)
		for tile := range tiles.tiles {
			row := tiles.row(tile)
			t.Rows = tiles.row(tile+1) - row
			t.A = unsafe.Add(from, row*lda)
			t.C = unsafe.Add(to, row*ldc+4*p.First(i))
			t.Residual = nil
			if add {
				t.Residual = t.C
			}
			t.Compute(routines)
		}
		t.Finish(routines)
	}
}
