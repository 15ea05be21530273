package gemm

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/parallel"
)

// Panels is a constant B, packed. It is immutable: any number of sessions and
// goroutines may use it at once.
//
// A panel holds 32 columns (16 in a family of 16), the last one 16 if no more
// are left; missing columns are zero. Within a panel lie the taps, in a tap k
// by k the columns of one row of B; in BF16 pairs of k, so [K/2][32][2], with a
// zero where K is odd. Kernels by parts have panels of their own: see packParts.
type Panels struct {
	kernel Kernel // the widest of its family
	taps   int
	k, n   int // k within a tap
	block  Block
}

// Source is a matrix B, cut into taps along K, in memory of any order: element
// (tap t, row k, column n) is Data[Taps[t] + K[k] + n·Column].
type Source struct {
	Data   []float32
	Taps   []int
	K      []int
	N      int
	Column int
}

// Shorter is the same B for tiles of at most so many rows.
func (p *Panels) Shorter(rows int) *Panels {
	q := *p
	q.kernel.MR = min(q.kernel.MR, rows)
	return &q
}

// Pack packs B for kernel's family. B is k×n with rows ldb apart, or, if
// transposed, its transpose: n×k with rows ldb apart.
func Pack(arena *Arena, kernel Kernel, b []float32, k, n, ldb int, transposed bool) (*Panels, error) {
	rows, cols := k, n
	if transposed {
		rows, cols = n, k
	}
	if !kernel.takes(k) {
		return nil, fmt.Errorf("gemm: %v does not take k %d", kernel, k)
	}
	if k < 1 || n < 1 || ldb < cols {
		return nil, fmt.Errorf("gemm: pack %dx%d with rows %d apart", k, n, ldb)
	}
	if need := (rows-1)*ldb + cols; len(b) < need {
		return nil, fmt.Errorf("gemm: pack %dx%d with rows %d apart: %d elements given, %d needed", k, n, ldb, len(b), need)
	}
	s := Source{Data: b, Taps: []int{0}, K: make([]int, k), N: n, Column: 1}
	step := ldb
	if transposed {
		step, s.Column = 1, ldb
	}
	for i := range s.K {
		s.K[i] = i * step
	}
	return PackTaps(arena, kernel, s), nil
}

// PackTaps packs a B that is cut into taps. Offsets that leave Data panic.
func PackTaps(arena *Arena, kernel Kernel, s Source) *Panels {
	if !kernel.takes(len(s.K)) {
		panic(fmt.Sprintf("gemm: %v packs taps of %d", kernel, len(s.K)))
	}
	p := &Panels{kernel: kernel.widest(), taps: len(s.Taps), k: len(s.K), n: s.N}
	p.block = arena.Allocate(p.offset(p.Count()))
	if p.block.Len() < parallelBytes {
		p.pack(0, p.Count(), s)
		return p
	}
	parallel.Ranges(p.Count(), panelsAtOnce, func(first, last int) { p.pack(first, last, s) })
	return p
}

// Blank returns count packings of k×n zeros in one block of memory, for a kernel of
// FP32 that does not split. Floats gives their panels, to write them.
func Blank(arena *Arena, kernel Kernel, count, k, n int) []*Panels {
	if kernel.Format != FP32 || kernel.Splits() {
		panic(fmt.Sprintf("gemm: %v has no panels of rows", kernel))
	}
	p := Panels{kernel: kernel.widest(), taps: 1, k: k, n: n}
	size := p.offset(p.Count())
	pitch := (size + alignment - 1) &^ (alignment - 1)
	all, list := arena.Allocate(count*pitch), make([]*Panels, count)
	for i := range list {
		one := p
		one.block = Block{all.arena, all.bytes[i*pitch:][:size:size]}
		list[i] = &one
	}
	return list
}

// Floats is panel i of Blank: k rows of its columns, and of zeros up to a multiple
// of 16.
func (p *Panels) Floats(i int) []float32 {
	return p.block.Floats()[p.offset(i)/4 : p.offset(i+1)/4]
}

// parallelBytes is the size of a B that several goroutines pack.
const parallelBytes = 1 << 20

// PackedSize is the number of bytes that a k×n B takes in a kernel's packing.
func PackedSize(kernel Kernel, k, n int) int {
	p := &Panels{kernel: kernel.widest(), taps: 1, k: k, n: n}
	return p.offset(p.Count())
}

// Kernel is the widest tile of the family that p is packed for.
func (p *Panels) Kernel() Kernel { return p.kernel }

// Bytes is the size of the packed memory.
func (p *Panels) Bytes() int { return p.block.Len() }

// Rows and Columns are the shape of B: taps·k and n.
func (p *Panels) Rows() int { return p.taps * p.k }

// Columns is n.
func (p *Panels) Columns() int { return p.n }

// Count is the number of panels.
func (p *Panels) Count() int { return (p.n + p.kernel.NR - 1) / p.kernel.NR }

// width is panel i's number of columns, counting those that are padding.
func (p *Panels) width(i int) int {
	return panelWidth(p.kernel.NR, p.n-i*p.kernel.NR)
}

// columns is panel i's number of columns that exist.
func (p *Panels) columns(i int) int {
	return min(p.kernel.NR, p.n-i*p.kernel.NR)
}

// steps is the number of k steps in a tap, a last half pair included.
func (p *Panels) steps() int {
	s := p.kernel.Format.stepK() // 1 or 2
	return (p.k + s - 1) >> (s - 1)
}

// tapRows is the number of k that a tap takes in a panel.
func (p *Panels) tapRows() int {
	if p.kernel.Splits() {
		return PartsWidth(p.k)
	}
	return p.steps() * p.kernel.Format.stepK()
}

// valueBytes is what one element of B takes.
func (p *Panels) valueBytes() int {
	if p.kernel.family == amxParts {
		return partsOf * 2
	}
	return p.kernel.Format.valueBytes()
}

// columnBytes is what one column of a panel takes.
func (p *Panels) columnBytes() int { return p.taps * p.tapRows() * p.valueBytes() }

// chunkBytes is what a chunk of k takes in panel i, by parts.
func (p *Panels) chunkBytes(i int) int { return partsChunk * p.valueBytes() * p.width(i) }

// offset is where panel i starts, in bytes; of panel Count(), where all end.
func (p *Panels) offset(i int) int {
	if p.First(i) >= p.n {
		return ((i-1)*p.kernel.NR + p.width(i-1)) * p.columnBytes()
	}
	return i * p.kernel.NR * p.columnBytes()
}

// First is the first column of panel i.
func (p *Panels) First(i int) int { return i * p.kernel.NR }

// Tiles returns a Tile for each worker, with what is the same for all calls: the
// length of the taps, and the clamp.
func (p *Panels) Tiles(workers int, c Clamp) []Tile {
	tiles := make([]Tile, workers)
	step := p.kernel.Format.stepK()
	for i := range tiles {
		t := &tiles[i]
		t.K, t.Odd = p.k/step, p.k%step
		t.Lo, t.Hi = c.Lo, c.Hi
		switch p.kernel.family {
		case amx:
			t.state = new(amxState)
		case amxParts, amxSlabs:
			t.state = &amxState{parts: true, slabs: p.kernel.slabs()}
			t.K, t.Odd = 1, p.k
		}
	}
	return tiles
}

// Load sets what t needs of panel i, and no bias, and returns the routines for
// it by their number of rows.
func (p *Panels) Load(t *Tile, i int, bf16Out bool) []func(*Tile) {
	t.B = p.panel(i)
	t.Cols, t.Width = p.columns(i), p.width(i)
	t.Bias = nil
	return p.kernel.routines(t.Width, bf16Out)
}

// panel is the address of panel i.
func (p *Panels) panel(i int) unsafe.Pointer {
	return unsafe.Add(p.block.Pointer(), p.offset(i))
}
