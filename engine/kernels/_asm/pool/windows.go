package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// v is a vector register.
type v = reg.VecVirtual

// runParameters are the fields of pool's run.
const runParameters = "channels, count, rows, cols, rowStep, colStep, srcStep, dstStep int, scale float32"

func kernels(f *file, set isa.ISA, s storage) {
	maximum(f, set, s)
	average(f, set, s)
	blend(f, set, s)
}

// fold reduces the vectors of a window; a new one is made for each vector of
// outputs.
type fold struct {
	take   func(x v)
	result func() v
}

func maximum(f *file, set isa.ISA, s storage) {
	a := f.begin(set, "maximum"+s.suffix, "(dst, src *"+s.goType+", "+runParameters+")")
	overWindows(a, s, func() fold {
		best, nans := a.Move(a.Bits(0xff800000)), a.NaNs()
		return fold{
			take: func(x v) { // VMAXPS yields x when best is NaN, so NaN is kept apart
				nans.Note(x)
				VMAXPS(x, best, best)
			},
			result: func() v { return nans.Over(best) },
		}
	})
}

func average(f *file, set isa.ISA, s storage) {
	a := f.begin(set, "average"+s.suffix, "(dst, src *"+s.goType+", "+runParameters+")")
	scale := a.Parameter("scale")
	overWindows(a, s, func() fold {
		sum := a.Nought()
		return fold{
			take:   func(x v) { VADDPS(x, sum, sum) },
			result: func() v { return a.Mul(sum, scale) },
		}
	})
}

// abreast is the number of vectors of outputs that share a walk over a window.
const abreast = 4

// overWindows walks outputs, then channels, then each window's rows and columns.
func overWindows(a *isa.Algebra, format storage, begin func() fold) {
	dst, src := load("dst"), load("src")
	rowStep, colStep := load("rowStep"), load("colStep")
	size := uint8(format.Bytes())
	count := load("count")
	Label("output")
	s := a.StreamOf(load("channels"))
	to, from := s.Pointer(copyOf(dst), format), s.Pointer(copyOf(src), format)
	walks := 0
	s.Together(abreast, func(ats []isa.At) {
		walks++
		row, col := fmt.Sprintf("row%d", walks), fmt.Sprintf("col%d", walks)
		folds := make([]fold, len(ats))
		for i := range folds {
			folds[i] = begin()
		}
		line := s.Address(from)
		rows := load("rows")
		Label(row)
		tap := copyOf(line)
		cols := load("cols")
		Label(col)
		for i, at := range ats {
			folds[i].take(s.Load(from.From(tap), at))
		}
		LEAQ(Mem{Base: tap, Index: colStep, Scale: size}, tap)
		DECQ(cols)
		JNZ(LabelRef(col))
		LEAQ(Mem{Base: line, Index: rowStep, Scale: size}, line)
		DECQ(rows)
		JNZ(LabelRef(row))
		for i, at := range ats {
			s.Store(to, at, folds[i].result())
		}
	})
	step(dst, "dstStep", size)
	step(src, "srcStep", size)
	DECQ(count)
	JNZ(LabelRef("output"))
	a.Return()
}

// step advances a pointer by a parameter's elements of size bytes.
func step(p reg.Register, parameter string, size uint8) {
	LEAQ(Mem{Base: p, Index: load(parameter), Scale: size}, p)
}

// load is an integer or pointer parameter in a new register.
func load(parameter string) reg.GPVirtual {
	return Load(Param(parameter), GP64()).(reg.GPVirtual)
}

func copyOf(r reg.Register) reg.Register {
	c := GP64()
	MOVQ(r, c)
	return c
}

// blend mixes four pixels: across, then down, each as low + weight·(high-low).
func blend(f *file, set isa.ISA, format storage) {
	a := f.begin(set, "blend"+format.suffix,
		"(dst, topLeft, topRight, bottomLeft, bottomRight *"+format.goType+", n int, across, down float32)")
	s := a.Stream()
	dst := s.Slice("dst", format)
	topLeft, topRight := s.Slice("topLeft", format), s.Slice("topRight", format)
	bottomLeft, bottomRight := s.Slice("bottomLeft", format), s.Slice("bottomRight", format)
	across, down := a.Parameter("across"), a.Parameter("down")
	mix := func(low, high, weight v) v { return a.MulAdd(a.Sub(high, low), weight, low) }
	s.Each(1, func(at isa.At) {
		top := mix(s.Load(topLeft, at), s.Load(topRight, at), across)
		bottom := mix(s.Load(bottomLeft, at), s.Load(bottomRight, at), across)
		s.Store(dst, at, mix(top, bottom, down))
	})
	a.Return()
}
