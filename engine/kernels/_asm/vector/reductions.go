package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// partials is the number of running results of a reduction.
const partials = 4

func reductions(f *file) {
	for _, set := range f.Of(isa.AVX512, isa.AVX2, isa.NEON) {
		sum(f, set, "Sum", func(p *isa.Partials, at isa.At, x v) { p.Take(at, x) })
		sum(f, set, "SumSquares", func(p *isa.Partials, at isa.At, x v) { VFMADD231PS(x, x, p.Running(at)) })
		extreme(f, set, "Maximum", (*isa.Algebra).Largest)
		extreme(f, set, "Minimum", (*isa.Algebra).Least)
		dot(f, set)
		matVecs(f, set)
		codeDots(f, set, 4)
		codeDots(f, set, 8)
	}
}

func sum(f *file, set isa.ISA, name string, take func(p *isa.Partials, at isa.At, x v)) {
	a := f.begin(set, "reduce", name, isa.LowerFirst(name), "(x *float32, n int) float32")
	s := a.Stream()
	x := s.Slice("x", isa.Float32)
	p := a.Sums(partials)
	s.Each(partials, func(at isa.At) { take(p, at, s.Load(x, at)) })
	a.ReturnScalar(p.Scalar())
}

func extreme(f *file, set isa.ISA, name string, begin func(a *isa.Algebra, n int) *isa.Extreme) {
	a := f.begin(set, "reduce", name, isa.LowerFirst(name), "(x *float32, n int) float32")
	s := a.Stream()
	x := s.Slice("x", isa.Float32)
	p := begin(a, partials)
	s.Each(partials, func(at isa.At) { p.Take(at, s.Load(x, at)) })
	a.ReturnScalar(p.Scalar())
}

func dot(f *file, set isa.ISA) {
	a := f.begin(set, "dot", "", "dot", "(a, b *float32, n int) float32")
	s := a.Stream()
	x, y := s.Slice("a", isa.Float32), s.Slice("b", isa.Float32)
	p := a.Sums(partials)
	s.Each(partials, func(at isa.At) { VFMADD231PS(s.Load(x, at), s.Load(y, at), p.Running(at)) })
	a.ReturnScalar(p.Scalar())
}

func conversions(f *file) {
	for _, set := range f.Of(isa.AVX512, isa.AVX2, isa.NEON) {
		convert(f, set, "toF16", "*uint16", isa.Float16, "*float32", isa.Float32)
		convert(f, set, "fromF16", "*float32", isa.Float32, "*uint16", isa.Float16)
		convert(f, set, "fromInt32", "*float32", isa.Float32, "*int32", isa.Int32)
		quantize(f, set)
		dequantize(f, set, "dequantizeUint8", "*uint8", isa.Uint8)
		dequantize(f, set, "dequantizeInt8", "*int8", isa.Int8)
	}
	if f.Target == isa.AMD64 {
		fromInt64(f)
	}
}

func convert(f *file, set isa.ISA, name, to string, toFormat isa.Format, from string, fromFormat isa.Format) {
	a := f.begin(set, name, "", name, "(dst "+to+", x "+from+", n int)")
	s := a.Stream()
	dst, x := s.Slice("dst", toFormat), s.Slice("x", fromFormat)
	s.Each(2, func(at isa.At) { s.Store(dst, at, s.Load(x, at)) })
	a.Return()
}

// quantize serves both types of byte: low and high are the type's limits.
func quantize(f *file, set isa.ISA) {
	a := f.begin(set, "quantize", "", "quantize", "(dst *uint8, x *float32, n int, scale, zero, low, high float32)")
	s := a.Stream()
	dst, x := s.Slice("dst", isa.Uint8), s.Slice("x", isa.Float32)
	scale, zero, low, high := a.Parameter("scale"), a.Parameter("zero"), a.Parameter("low"), a.Parameter("high")
	s.Each(2, func(at isa.At) {
		q := a.Add(a.Integral(a.Div(s.Load(x, at), scale), isa.ToEven), zero)
		s.Store(dst, at, a.Lesser(a.Greater(q, low), high))
	})
	a.Return()
}

func dequantize(f *file, set isa.ISA, name, from string, format isa.Format) {
	a := f.begin(set, name, "", name, "(dst *float32, x "+from+", n int, scale, zero float32)")
	s := a.Stream()
	dst, x := s.Slice("dst", isa.Float32), s.Slice("x", format)
	scale, zero := a.Parameter("scale"), a.Parameter("zero")
	s.Each(2, func(at isa.At) { s.Store(dst, at, a.Mul(a.Sub(s.Load(x, at), zero), scale)) })
	a.Return()
}

// fromInt64 takes whole vectors of 8; the caller converts the rest.
func fromInt64(f *file) {
	a := f.begin(isa.AVX512, "fromInt64", "", "fromInt64", "(dst *float32, x *int64, n int)")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	Label("loop")
	CMPQ(n, I8(8))
	JLT(LabelRef("done"))
	floats := YMM()
	VCVTQQ2PS(Mem{Base: x}, floats)
	VMOVUPS(floats, Mem{Base: dst})
	ADDQ(I8(64), x)
	ADDQ(I8(32), dst)
	SUBQ(I8(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	a.Return()
}
