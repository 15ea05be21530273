// Package quant computes with 8-bit integers: products and convolutions of
// unsigned bytes by signed ones, summed in int32 and rounded to bytes again, and
// what lies between them in a quantized model. It knows nothing of tensors,
// graphs or operators.
//
// A byte q stands for the real number (q − zero)·scale. Activations are unsigned,
// weights signed with the zero point 0: who has others shifts them first.
//
// # Exactness
//
// Sums are exact: what AVX-512 VNNI, AMX, AVX2 and plain Go compute is the same
// to the bit. A sum becomes a byte as in ONNX Runtime's requantization: times a
// binary32 scale, rounded to nearest even, plus the zero point, clamped.
//
// # Memory
//
// Images are conv.Image with channels innermost, elements of one byte. Their halo
// must hold the input's zero point. A pixel's padding up to its pitch is read but
// never counts; no kernel writes it.
package quant

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/cpu"
)

// Bytes says how real numbers become bytes: zero + round(x), bounded to [Lo, Hi].
type Bytes struct {
	Zero, Lo, Hi uint8
}

// bounds are b's, less its zero point, as kernels want them.
func (b Bytes) bounds() (lo, hi float32, zero int32) {
	return float32(int(b.Lo) - int(b.Zero)), float32(int(b.Hi) - int(b.Zero)), int32(b.Zero)
}

// Kernel is one row of the table of tiles: a routine that sums MR rows and NR
// columns in registers. Rows describe every architecture's kernels on every
// architecture; Runnable says which this machine has.
type Kernel struct {
	ISA    string
	Needs  cpu.Features
	MR, NR int
	family family
}

// family identifies the compiled routines behind a row.
type family uint8

const (
	reference   family = iota
	vnni               // AVX-512 with dot products of bytes
	amxint8            // tiles of bytes
	words512           // AVX-512 on 16-bit words
	words256           // AVX2 on 16-bit words
	amxLeast    = 64   // products in a sum that make tiles of bytes worth their while
	stepBytes   = 4    // k in a step
	narrowPanel = 16
)

// kernels lists the widest tile of each family, the preferred first.
var kernels = [...]Kernel{
	{"amx", cpu.AVX512 | cpu.AMXINT8, 32, 32, amxint8},
	{"avx512vnni", cpu.AVX512 | cpu.AVX512VNNI, 14, 32, vnni},
	{"avx512", cpu.AVX512, 12, 32, words512},
	{"avx2", cpu.AVX2 | cpu.FMA, 6, 16, words256},
	{"generic", 0, 4, 16, reference},
}

// Kernels lists the table.
func Kernels() []Kernel { return append([]Kernel(nil), kernels[:]...) }

// String is the name of the tile: "avx512vnni_14x32 int8".
func (k Kernel) String() string { return fmt.Sprintf("%s_%dx%d int8", k.ISA, k.MR, k.NR) }

// Runnable reports whether a processor with these features, running a program
// built with its assembly, can execute the kernel.
func (k Kernel) Runnable(features cpu.Features) bool {
	return features.Has(k.Needs) && (k.family == reference || compiled)
}

// choose returns the preferred kernel for sums of k products.
func choose(features cpu.Features, k int) Kernel {
	for _, x := range kernels {
		if x.Runnable(features) && (x.family != amxint8 || k >= amxLeast) {
			return x
		}
	}
	panic("quant: no kernel runs")
}

// MostProducts is how many products a sum may have so that int32 holds it,
// whatever they are and whatever zero points are taken off.
const MostProducts = math.MaxInt32 / (2 * 255 * 128)
