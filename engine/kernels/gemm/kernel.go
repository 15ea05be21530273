package gemm

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/cpu"
)

// Kernel is one row of the table of tiles: a routine that computes MR rows and
// NR columns of C in registers. Rows describe every architecture's kernels on
// every architecture; Runnable says which this machine has.
type Kernel struct {
	ISA           string       // first part of the name: "avx512"
	Needs         cpu.Features // what the processor must have
	Format        Format
	MR, NR        int
	FLOPsPerCycle int // peak of a core with two full-width FMA units and one of tiles; 0 if not known
	family        family
}

// family identifies the compiled routines behind a row.
type family uint8

const (
	reference family = iota
	avx512
	avx2
	amx
	amxParts
	amxSlabs
	neon
)

// families lists the widest tile of each kind, the preferred kind first. All
// heights from 1 to MR exist. A 32-column family has 16-column routines too,
// for a last panel of no more than 16.
var families = [...]Kernel{
	{"amxbf16x3", cpu.AVX512 | cpu.AVX512BF16 | cpu.AMXBF16, FP32, 16, 32, 170, amxParts},
	{"amxbf16x3s", cpu.AVX512 | cpu.AVX512BF16 | cpu.AMXBF16, FP32, 16, 32, 170, amxSlabs},
	{"avx512", cpu.AVX512, FP32, 14, 32, 64, avx512},
	{"avx2", cpu.AVX2 | cpu.FMA, FP32, 6, 16, 32, avx2},
	{"neon", cpu.NEON, FP32, 6, 16, 16, neon},
	{"generic", 0, FP32, 4, 16, 0, reference},
	{"amx", cpu.AVX512 | cpu.AVX512BF16 | cpu.AMXBF16, BF16, 32, 32, 1024, amx},
	{"avx512bf16", cpu.AVX512 | cpu.AVX512BF16, BF16, 14, 32, 128, avx512},
	{"neonbf16", cpu.NEON | cpu.BF16, BF16, 6, 16, 32, neon},
	{"generic", 0, BF16, 4, 16, 0, reference},
	{"avx512", cpu.AVX512, FP16, 14, 32, 64, avx512},
	{"avx2", cpu.AVX2 | cpu.FMA | cpu.F16C, FP16, 6, 16, 32, avx2},
	{"neon", cpu.NEON, FP16, 6, 16, 16, neon},
	{"generic", 0, FP16, 4, 16, 0, reference},
}

// Kernels lists every tile of every architecture: each family at each height,
// the widest first.
func Kernels() []Kernel {
	var all []Kernel
	for _, f := range families {
		for nr := f.NR; nr >= minPanel; nr -= minPanel {
			for mr := f.MR; mr > 0; mr-- {
				k := f
				k.MR, k.NR = mr, nr
				all = append(all, k)
			}
		}
	}
	return all
}

// Name is the tile's name without its format: "avx512_14x32".
func (k Kernel) Name() string { return fmt.Sprintf("%s_%dx%d", k.ISA, k.MR, k.NR) }

// String is the name with the format: "avx512_14x32 fp32".
func (k Kernel) String() string { return k.Name() + " " + k.Format.String() }

// Runnable reports whether a processor with these features, running a program
// built for this architecture with its assembly, can execute the kernel. The
// features must be some that cpu.Detect found: it asks for leave to use tiles.
func (k Kernel) Runnable(features cpu.Features) bool {
	return features.Has(k.Needs) && (k.family == reference || compiled)
}

// Vector reports whether k is vector code, not the Go reference.
func (k Kernel) Vector() bool { return k.family != reference }

// StepsOverGaps reports whether k's tiles heed Tile's Gap.
func (k Kernel) StepsOverGaps() bool { return k.family == amx || k.Splits() }

// LeavesGapsOut reports whether k's tiles heed Tile's Left and Gap, but have two
// lines at most, and multiply none of the rows between them.
func (k Kernel) LeavesGapsOut() bool { return k.family == avx2 }

// Folds reports whether k's tiles heed Tile's Left and Gap where Left is half of
// the rows: two lines of one length.
func (k Kernel) Folds() bool { return k.family == avx512 }

// Choose returns the preferred tile for an m×k by k×n product on a processor
// with the given features; of a product in taps, k is the length of one. It is
// the Go reference if no vector kernel fits. The height splits m into tiles as
// equal as can be.
func Choose(features cpu.Features, format Format, m, n, k int) Kernel {
	return choose(features, format, m, n, k, true)
}

// ChooseWhole is Choose among the kernels that read A as it is: see Splits.
func ChooseWhole(features cpu.Features, format Format, m, n, k int) Kernel {
	return choose(features, format, m, n, k, false)
}

// ChooseSplit is the tile that Splits for a product of m rows and n columns, fast or
// not; false if the processor has none.
func ChooseSplit(features cpu.Features, m, n int) (Kernel, bool) {
	for _, f := range families {
		if f.Splits() && f.slabs() == (m < partsRows) && f.Runnable(features) {
			f.MR, f.NR = height(m, f.MR), panelWidth(f.NR, n)
			return f, true
		}
	}
	return Kernel{}, false
}

func choose(features cpu.Features, format Format, m, n, k int, split bool) Kernel {
	for _, f := range families {
		if f.Format != format || f.Splits() && !split || !f.takes(k) || !f.pays(m, n, k) || !f.Runnable(features) {
			continue
		}
		f.MR = height(m, f.MR)
		f.NR = panelWidth(f.NR, n)
		return f
	}
	panic(fmt.Sprintf("gemm: no reference kernel for %v", format))
}

// MixedPays reports whether a BF16 product with taps of k elements should beat
// an FP32 one: where there are AMX tiles and k fits them, or where there are
// bfloat16 dot products and no tiles. Processors with tiles run the dot products
// at no more than the rate of FP32 (measured on Sapphire Rapids: half).
func MixedPays(features cpu.Features, k int) bool {
	best := Choose(features, BF16, 1, 1, k)
	return best.family == amx || best.Vector() && !features.Has(cpu.AMXBF16)
}

// What makes up for a product by parts: of fewer rows, fetching weights that are
// half as large again costs more than splitting them each time; of fewer still,
// splitting them costs more than multiplying them faster gains. Splitting A
// costs as much as some columns, finishing a tile as some of k.
const (
	partsRows = 112
	slabsRows = 48
	partsN    = 1.0
	partsK    = 1.5
	partsEdge = 1. / 40
)

// pays reports whether k should be the fastest for a product of a shape that it
// takes.
func (k Kernel) pays(m, n, depth int) bool {
	return !k.Splits() || m >= slabsRows && k.slabs() == (m < partsRows) && partsN/float64(n)+partsK/float64(depth) <= partsEdge
}

// takes reports whether the kernel can cut taps of k elements into its steps.
func (k Kernel) takes(length int) bool { return k.family != amx || amxChunk(length) > 0 }

// height is the tallest of the fewest tiles of at most limit rows that make m.
func height(m, limit int) int {
	if m <= 0 {
		return 1
	}
	tiles := (m + limit - 1) / limit
	return (m + tiles - 1) / tiles
}

// Heights lists limits to the height of tiles for m rows that may be worth
// comparing, as each leads to other tiles: first the one that the kernel's family
// has, which is what Choose goes by.
func (k Kernel) Heights(m int) []int {
	limits := []int{k.widest().MR}
	if k.family != avx512 {
		return limits
	}
	for _, lower := range []int{12, 8, 6} {
		if height(m, lower) < height(m, limits[len(limits)-1]) {
			limits = append(limits, lower)
		}
	}
	return limits
}

// widest is the family's full height and width, whatever row k is.
func (k Kernel) widest() Kernel {
	for _, f := range families {
		if f.family == k.family && f.Format == k.Format {
			return f
		}
	}
	panic("gemm: kernel of no family: " + k.String())
}

// minPanel is the narrowest panel: B is padded with zeros up to it.
const minPanel = 16

// panelWidth is the width of a panel that starts with columns columns left.
func panelWidth(nr, columns int) int {
	if columns <= minPanel {
		return minPanel
	}
	return nr
}

// routines returns the family's tiles by height, for panels of the given width
// and C of the given kind; entry 0 is nil.
func (k Kernel) routines(width int, bf16Out bool) []func(*Tile) {
	if k.family == reference {
		return referenceTiles(k.Format, bf16Out)
	}
	return compiledTiles(k.family, k.Format, width, bf16Out)
}
