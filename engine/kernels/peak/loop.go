package peak

import (
	"fmt"

	"github.com/x448/float16"

	"github.com/eiplan/eiplan/engine/cpu"
)

// Kind is what a loop multiplies and how it sums.
type Kind uint8

// The kinds of arithmetic, each summed in FP32.
const (
	FP32        Kind = iota
	BF16Dot          // products of two bfloat16 by two
	FP16Storage      // binary16 widened to FP32 before it is multiplied
)

func (k Kind) String() string {
	switch k {
	case FP32:
		return "fp32"
	case BF16Dot:
		return "bf16 dot"
	case FP16Storage:
		return "fp16 storage, fp32 sums"
	}
	panic(fmt.Sprintf("peak: kind %d has no name", uint8(k)))
}

// Loop is one row of the table of arithmetic loops. Rows describe every
// architecture's loops on every architecture.
type Loop struct {
	ISA   string
	Kind  Kind
	Needs cpu.Features
	FLOPs int // of one round

	// run does rounds rounds, at least one, and writes the sums of its
	// accumulators by lane. Each multiply-add is of 1·1, so that all sums
	// together are half of the FLOPs, while FP32 counts that far. It is nil in
	// builds for another architecture.
	run func(rounds int, sums *[16]float32)
}

// Loops lists every arithmetic loop, the fastest of each kind first.
func Loops() []Loop {
	compiled := routinesOfBuild()
	return []Loop{
		{"avx512", FP32, cpu.AVX512, 24 * 16 * 2, compiled.fmaAVX512},
		{"avx2", FP32, cpu.AVX2 | cpu.FMA, 12 * 8 * 2, compiled.fmaAVX2},
		{"generic", FP32, 0, chains * 2, multiplyAdd},
		{"amx", BF16Dot, cpu.AVX512 | cpu.AMXBF16, 4 * 16 * 16 * 64, compiled.tileAMX},
		{"avx512bf16", BF16Dot, cpu.AVX512 | cpu.AVX512BF16, 24 * 16 * 4, compiled.dotAVX512},
		{"avx512", FP16Storage, cpu.AVX512, 24 * 16 * 2, compiled.halfAVX512},
		{"avx2", FP16Storage, cpu.AVX2 | cpu.FMA | cpu.F16C, 12 * 8 * 2, compiled.halfAVX2},
		{"generic", FP16Storage, 0, chains * 2, convertMultiplyAdd},
	}
}

// routines holds the compiled code of the tables' rows; nil where there is none.
type routines struct {
	fmaAVX512, fmaAVX2, dotAVX512, tileAMX, halfAVX512, halfAVX2 func(rounds int, sums *[16]float32)
	readAVX512, readAVX2                                         func(memory *byte, rounds int, sums *[8]uint64)
}

// String names the loop: "avx512 fp32".
func (l Loop) String() string { return l.ISA + " " + l.Kind.String() }

// Runnable reports whether a processor with these features can run the loop
// and this build holds it.
func (l Loop) Runnable(features cpu.Features) bool { return features.Has(l.Needs) && l.run != nil }

// Fastest returns the first runnable loop of a kind; the zero Loop if there is
// none, which only BF16Dot allows.
func Fastest(features cpu.Features, kind Kind) Loop {
	for _, l := range Loops() {
		if l.Kind == kind && l.Runnable(features) {
			return l
		}
	}
	if kind != BF16Dot {
		panic("peak: no generic loop of kind " + kind.String())
	}
	return Loop{}
}

// chains is the number of sums that the Go loops keep: with their multiplicands
// they fill the registers of the poorest architecture.
const chains = 6

// multiplyAdd is the loop of a tile of plain Go.
func multiplyAdd(rounds int, sums *[16]float32) {
	x, y := [chains]float32{1, 1, 1, 1, 1, 1}, [2]float32{1, 1}
	multiplyAddFloats(rounds, &x, &y, sums)
}

// multiplyAddFloats is kept apart so that the compiler does not see what it
// multiplies.
//
//go:noinline
func multiplyAddFloats(rounds int, x *[chains]float32, ys *[2]float32, sums *[16]float32) {
	var a, b, c, d, e, f float32
	x0, x1, x2, x3, x4, x5 := x[0], x[1], x[2], x[3], x[4], x[5]
	for i := range rounds {
		y := ys[i&1]
		a += x0 * y
		b += x1 * y
		c += x2 * y
		d += x3 * y
		e += x4 * y
		f += x5 * y
	}
	*sums = [16]float32{a, b, c, d, e, f}
}

// convertMultiplyAdd is multiplyAdd with one multiplicand of each round widened.
func convertMultiplyAdd(rounds int, sums *[16]float32) {
	one := float16.Fromfloat32(1)
	x, y := [chains]float32{1, 1, 1, 1, 1, 1}, [2]float16.Float16{one, one}
	multiplyAddHalves(rounds, &x, &y, sums)
}

//go:noinline
func multiplyAddHalves(rounds int, x *[chains]float32, ys *[2]float16.Float16, sums *[16]float32) {
	var a, b, c, d, e, f float32
	x0, x1, x2, x3, x4, x5 := x[0], x[1], x[2], x[3], x[4], x[5]
	for i := range rounds {
		y := ys[i&1].Float32()
		a += x0 * y
		b += x1 * y
		c += x2 * y
		d += x3 * y
		e += x4 * y
		f += x5 * y
	}
	*sums = [16]float32{a, b, c, d, e, f}
}
